import type { Clock } from '../../../core/clock.ts'
import { PLACES } from '../host-paths.ts'
import type { RootShell } from '../root-shell.ts'
import type { Wish } from '../wish.ts'
import { FACTS_SCRIPT } from './facts-script.ts'
import { type HostFacts, parseFacts } from './host-facts.ts'

const FACTS_MS_MAX = 60_000

/** Looks at a host: one command, whatever is asked. Throws REMOTE_FAILED, BAD_FACTS. */
export async function readFacts(
  shell: RootShell,
  wish: Wish,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<HostFacts> {
  const files = [
    ...wish.files.map(({ path }) => path),
    PLACES.launch,
    PLACES.supervise,
    PLACES.endContainers,
    PLACES.sysctl,
    PLACES.firewall,
  ]
  const inits = ['agent', 'manager'].flatMap(name => [
    `/etc/systemd/system/shoal-${name}.service`,
    `/etc/init.d/shoal-${name}`,
  ])
  const words = [
    '--programs',
    ...wish.needed,
    '--files',
    ...files,
    PLACES.owner,
    ...inits,
    '--names',
    'agent',
    'manager',
  ]
  const fromS = secondsOf(clock)
  const text = await shell.do('look at the host', FACTS_SCRIPT, words, { timeoutMs: FACTS_MS_MAX, signal })
  return parseFacts(text, { fromS, toS: secondsOf(clock) })
}

function secondsOf(clock: Clock): number {
  return Math.floor(clock.nowMs() / 1_000)
}
