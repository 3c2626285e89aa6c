import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command, until } from './command.ts'
import { commandLineOf, endRemembered, processesInside, recall, signalQuietly, startRemembered } from './processes.ts'

export interface HostsOptions {
  /** Where hosts keep their files; one folder a host. On a file system that overlayfs accepts as an upper layer. */
  readonly directory: string
  /** Name of the bridge that joins the hosts, at most 12 characters: also the prefix of namespaces and interfaces. */
  readonly bridge: string
  /** Address of this machine on the bridge, `10.213.0.1`; hosts get addresses of the same /24. */
  readonly gateway: string
}

/**
 * What becomes process 1 of a host: mounts and a host name of its own, then an init that reaps.
 *
 * /sys is mounted anew because it shows the network namespace of whoever mounted it, and the cgroup hierarchies, which
 * a new sysfs hides, are carried over.
 */
const BOOT = `set -e
mount --make-rprivate /
mkdir -p "$1/cgroup" "$1/data"
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount --rbind "$1/cgroup" /sys/fs/cgroup
umount -l "$1/cgroup"
mount -t tmpfs -o mode=755 tmpfs /run
hostname "$2"
exec tini -s -- sleep infinity
`

/**
 * Hosts for demos and tests on one machine: each is a network, mount, host name and process namespace with an address
 * of its own on a bridge. They can be killed, paused, cut off and brought back for real. Needs root, iproute2,
 * util-linux and tini.
 */
export class Hosts {
  readonly #options: HostsOptions

  constructor(options: HostsOptions) {
    this.#options = options
  }

  /** Makes the bridge; one that is there already is fine. */
  async open(): Promise<void> {
    const { bridge, gateway } = this.#options
    if (!existsSync(`/sys/class/net/${bridge}`)) await command(['ip', 'link', 'add', bridge, 'type', 'bridge'])
    await command(['ip', 'addr', 'replace', `${gateway}/24`, 'dev', bridge])
    await command(['ip', 'link', 'set', bridge, 'up'])
  }

  /** Where a host keeps what survives its death. */
  dataDirectory(name: string): string {
    return join(this.#directory(name), 'data')
  }

  /** Boots a host; one that runs already is left as it is. */
  async start(name: string, address: string): Promise<void> {
    if (this.isRunning(name)) return
    const { bridge, gateway } = this.#options
    const namespace = this.#namespace(name)
    const veth = this.#veth(name)
    await this.#removeInterfaces(name)
    await command(['ip', 'netns', 'add', namespace])
    await command(['ip', 'link', 'add', veth, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
    await command(['ip', 'link', 'set', veth, 'master', bridge, 'up'])
    const inside = [
      `addr add ${address}/24 dev eth0`,
      'link set eth0 up',
      'link set lo up',
      `route add default via ${gateway}`,
    ]
    await command(['ip', '-n', namespace, '-batch', '-'], { input: `${inside.join('\n')}\n` })
    // nsenter and not `ip netns exec`: the latter remounts /sys and hides the cgroup hierarchies.
    const unshare = ['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child']
    startRemembered(
      this.#pidFile(name),
      ['nsenter', `--net=/run/netns/${namespace}`, ...unshare, 'sh', '-c', BOOT, 'boot', this.#directory(name), name],
      { log: this.logFile(name, 'boot') },
    )
    await until(
      `host ${name} to boot`,
      async () => {
        const init = this.#initPid(name)
        return init !== undefined && commandLineOf(init).startsWith('tini') ? true : undefined
      },
      { everyMs: 10 },
    )
  }

  isRunning(name: string): boolean {
    return this.#initPid(name) !== undefined
  }

  logFile(name: string, program: string): string {
    return join(this.#directory(name), `${program}.log`)
  }

  /** Starts a program inside the host that goes on after this one ends. */
  spawn(name: string, program: string, argv: readonly string[], env?: NodeJS.ProcessEnv): void {
    startRemembered(join(this.#directory(name), `${program}.pid`), [...this.enter(name), ...argv], {
      log: this.logFile(name, program),
      ...(env === undefined ? {} : { env }),
    })
  }

  /** Whether a program started with {@link spawn} still runs. */
  isSpawned(name: string, program: string): boolean {
    return this.isRunning(name) && recall(join(this.#directory(name), `${program}.pid`)) !== undefined
  }

  /** Runs a program inside the host to its end; resolves with its output. */
  run(name: string, argv: readonly string[]): Promise<string> {
    return command([...this.enter(name), ...argv])
  }

  /** Processes inside the host whose command line matches, as pids of this machine. */
  pids(name: string, pattern: RegExp): number[] {
    const init = this.#initPid(name)
    return init === undefined ? [] : processesInside(init).filter(pid => pattern.test(commandLineOf(pid)))
  }

  /** Power failure: every process dies at once, the cable goes dead. */
  async kill(name: string): Promise<void> {
    if (existsSync(`/sys/class/net/${this.#veth(name)}`)) await command(['ip', 'link', 'set', this.#veth(name), 'down'])
    await this.killProcesses(name)
  }

  /** Every process dies at once, as by kill -9, while the kernel goes on to answer for the host's addresses. */
  async killProcesses(name: string): Promise<void> {
    const init = this.#initPid(name)
    if (init !== undefined) signalQuietly(init, 'SIGKILL')
    await endRemembered(this.#pidFile(name), { graceMs: 0 })
    // What led into the host stands outside of it, and is left standing if it was stopped together with what it leads.
    for (const file of this.#spawned(name)) await endRemembered(file, { graceMs: 0 })
  }

  /** Where the programs of {@link spawn} are remembered. */
  #spawned(name: string): string[] {
    const directory = this.#directory(name)
    const files = existsSync(directory) ? readdirSync(directory) : []
    return files.filter(file => file.endsWith('.pid')).map(file => join(directory, file))
  }

  /** Freezes every process of the host, as a hypervisor that suspends it. */
  pause(name: string): void {
    for (const pid of this.pids(name, /./)) signalQuietly(pid, 'SIGSTOP')
  }

  resume(name: string): void {
    for (const pid of this.pids(name, /./)) signalQuietly(pid, 'SIGCONT')
  }

  /** Pulls the network cable. */
  async cutOff(name: string): Promise<void> {
    await command(['ip', 'link', 'set', this.#veth(name), 'down'])
  }

  async reconnect(name: string): Promise<void> {
    await command(['ip', 'link', 'set', this.#veth(name), 'up'])
  }

  /** Ends the host and removes all it left on this machine: processes, namespaces, interfaces, cgroups, files. */
  async remove(name: string): Promise<void> {
    await this.kill(name)
    await this.#removeInterfaces(name)
    await removeCgroups(this.cgroupParent(name))
    rmSync(this.#directory(name), { recursive: true, force: true })
  }

  /** Removes every host below the directory, and the bridge. */
  async removeAll(): Promise<void> {
    const { directory, bridge } = this.#options
    const names = existsSync(directory) ? readdirSync(directory) : []
    for (const name of names) await this.remove(name)
    await removeCgroups(`/${bridge}`)
    if (existsSync(`/sys/class/net/${bridge}`)) await command(['ip', 'link', 'del', bridge])
    rmSync(directory, { recursive: true, force: true })
  }

  /** The cgroup below which the host's engine must keep its containers, so that they can be found and removed. */
  cgroupParent(name: string): string {
    return `/${this.#options.bridge}/${name}`
  }

  /** The words before a command's that run it inside the host, for whoever starts programs in another way. */
  enter(name: string): readonly string[] {
    const init = this.#initPid(name)
    if (init === undefined) throw new Error(`Host ${name} is not running`)
    return ['nsenter', '-t', String(init), '-m', '-u', '-i', '-n', '-p', '--']
  }

  #directory(name: string): string {
    return join(this.#options.directory, name)
  }

  #pidFile(name: string): string {
    return join(this.#directory(name), 'host.pid')
  }

  #namespace(name: string): string {
    return `${this.#options.bridge}-${name}`
  }

  /** Interface names have at most 15 characters. */
  #veth(name: string): string {
    return `${this.#options.bridge.slice(0, 9)}-${name}`.slice(0, 15)
  }

  /** The remembered process is `unshare`; its only child is process 1 of the host. */
  #initPid(name: string): number | undefined {
    const parent = recall(this.#pidFile(name))
    if (parent === undefined) return undefined
    try {
      const child = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ')[0]
      return child === undefined || child === '' ? undefined : Number(child)
    } catch {
      return undefined
    }
  }

  async #removeInterfaces(name: string): Promise<void> {
    const veth = this.#veth(name)
    if (existsSync(`/run/netns/${this.#namespace(name)}`)) await command(['ip', 'netns', 'del', this.#namespace(name)])
    if (existsSync(`/sys/class/net/${veth}`)) await command(['ip', 'link', 'del', veth]).catch(() => {})
  }
}

/** Removes a cgroup and those below it in every hierarchy. Their processes must be dead; dying ones are waited for. */
async function removeCgroups(path: string): Promise<void> {
  const hierarchies = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map(entry => join('/sys/fs/cgroup', entry))]
  for (const hierarchy of hierarchies) {
    const root = join(hierarchy, path)
    if (!existsSync(root)) continue
    await until(`cgroup ${root} to be empty`, async () => (tryRemoveTree(root) ? true : undefined), {
      everyMs: 20,
    })
  }
}

function tryRemoveTree(directory: string): boolean {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory() && !tryRemoveTree(join(directory, entry.name))) return false
    }
    rmdirSync(directory)
    return true
  } catch {
    return !existsSync(directory)
  }
}
