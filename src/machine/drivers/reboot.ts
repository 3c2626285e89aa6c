import { sleep, withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, unavailable } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type { Machine } from '../model/machine.ts'
import type { DriverPorts } from './driver.ts'

/** A server with much memory tests it all before it starts. */
const RESTART_MS_MAX = 900_000
const ANSWER_MS_MAX = 20_000
const POLL_MS = 2_000
/** As often it is told that it is still waited for. */
const TELL_MS = 30_000
/** Not every distribution has `shutdown`. */
const RESTART = 'if command -v shutdown > /dev/null; then exec shutdown -r now; else exec reboot; fi'

/**
 * Restarts a host from inside, over SSH, and resolves when it is up again: when it has begun to run anew, and not already while it goes
 * down. Throws RESTART_FAILED with what the host says, or RESTART_TIMEOUT.
 */
export async function rebootHost(machine: Machine, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const { clock, report } = ports
  const before = await bootOf(ports, signal)
  await askToRestart(machine, ports, signal)
  report('Waiting for the machine to come back')
  let last = 'it still runs as before'
  const sinceMs = clock.monotonicMs()
  let toldMs = sinceMs
  const tell = (): void => {
    if (clock.monotonicMs() - toldMs < TELL_MS) return
    toldMs = clock.monotonicMs()
    report(`Still waiting after ${Math.round((toldMs - sinceMs) / 1_000)} s: ${last}`)
  }
  const back = async (inner: AbortSignal): Promise<void> => {
    for (;;) {
      await sleep(clock, POLL_MS, inner)
      try {
        if ((await bootOf(ports, inner)) !== before) return
        last = 'it still runs as before'
      } catch (error) {
        // On its way down and up it refuses us in many ways.
        inner.throwIfAborted()
        last = errorMessage(error)
      }
      tell()
    }
  }
  const onTimeout = (): Error =>
    unavailable(
      'RESTART_TIMEOUT',
      `Machine "${machine.name}" did not come back in ${RESTART_MS_MAX / 60_000} minutes: ${last}`,
    )
  await withDeadline(back, RESTART_MS_MAX, { clock, signal, onTimeout })
}

/** Whoever restarts at once may cut us off before it answers. */
async function askToRestart(machine: Machine, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  let code = 0
  let said = ''
  try {
    const result = await run(['sh', '-c', RESTART], ports, signal)
    code = result.code
    said = result.stderr.trim().split('\n').at(-1) ?? ''
  } catch {
    signal.throwIfAborted()
  }
  // 255 and codes of signals: sshd was ended before the command was.
  if (code === 0 || code > 128) return
  throw failed(
    'RESTART_FAILED',
    `Cannot restart machine "${machine.name}": ${said === '' ? `exit code ${code}` : said}`,
  )
}

/** A number that the kernel draws whenever it starts. */
async function bootOf(ports: DriverPorts, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await run(['cat', '/proc/sys/kernel/random/boot_id'], ports, signal)
  if (code === 0 && stdout.trim() !== '') return stdout.trim()
  throw failed('RESTART_FAILED', `The host does not say since when it runs: ${stderr.trim() || `exit code ${code}`}`)
}

function run(
  words: readonly string[],
  { asRoot, clock }: DriverPorts,
  signal: AbortSignal,
): ReturnType<NonNullable<DriverPorts['asRoot']>> {
  invariant(asRoot !== undefined, 'a machine that is restarted can be told to')
  const onTimeout = (): Error => unavailable('NO_ANSWER', 'the host does not answer')
  return withDeadline(inner => asRoot(words, inner), ANSWER_MS_MAX, { clock, signal, onTimeout })
}
