import { PLACES } from '../host-paths.ts'
import { changedFiles, putFiles } from '../put-files.ts'
import { OPEN_PORTS, PUT_SYSCTL } from '../scripts/network-scripts.ts'
import type { Scene, Step } from '../step.ts'
import type { Wish, WishedFile } from '../wish.ts'

const NETWORK_MS_MAX = 120_000

const SYSCTL: WishedFile = {
  path: PLACES.sysctl,
  mode: '644',
  content: `# Containers' packets pass through this host.
net.ipv4.ip_forward = 1
# Many containers watch many files.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
`,
}

/** What the kernel and the packet filter must let through. */
export const networkStep: Step = {
  name: 'network',
  title: 'kernel settings and firewall',
  plan(scene) {
    const changed = changedFiles(networkFiles(scene), scene.facts)
    return changed.map(({ path }) =>
      path === PLACES.firewall ? `open ${passagesOf(scene.wish).join(', ')} in ${filterOf(scene)}` : `write ${path}`,
    )
  },
  kept: () => 'settings kept',
  async apply(work) {
    const { shell, signal, facts, wish, note, run } = work
    const changed = changedFiles(networkFiles(work), facts)
    const filter = filterOf(work)
    // The file says that ports were opened, so it is written last.
    await putFiles(
      changed.filter(({ path }) => path === PLACES.sysctl),
      work,
      PUT_SYSCTL,
    )
    const options = { timeoutMs: NETWORK_MS_MAX, signal }
    const firewall = changed.filter(({ path }) => path === PLACES.firewall)
    if (firewall.length === 0 || filter === undefined) return
    const passages = passagesOf(wish)
    await note({ undo: 'close-ports', filter, ports: passages })
    await shell.do(`open ports in ${filter}`, OPEN_PORTS, [run, filter, wish.address, ...passages], options)
    await putFiles(firewall, work)
  },
}

/** Files of the network step; also what opened ports are remembered by. */
export function networkFiles(scene: Scene): WishedFile[] {
  const filter = filterOf(scene)
  const passages = passagesOf(scene.wish)
  if (filter === undefined || passages.length === 0) return [SYSCTL]
  const content = passages.map(passage => `${filter} ${passage}\n`).join('')
  return [SYSCTL, { path: PLACES.firewall, mode: '644', content }]
}

/**
 * What the packet filter is to let through: ports, and the bridges of our engine, as it would drop what containers send and what is
 * sent to published ports. Docker sees to its own. Only what we alone name is named here: a prefix that others use would open bridges
 * of theirs. A member has its cluster's networks too.
 */
function passagesOf({ ports, machine: { engine, swarm } }: Wish): readonly string[] {
  if (engine.kind === 'docker' || swarm?.agent === false) return ports
  return [...ports, 'shoal-+', ...(swarm === undefined ? [] : ['shb+'])]
}

/** A packet filter that can be told to open ports; others are the person's own. */
function filterOf({ facts }: Scene): 'ufw' | 'firewalld' | undefined {
  if (facts.firewalls.includes('firewalld')) return 'firewalld'
  return facts.firewalls.includes('ufw') ? 'ufw' : undefined
}
