import { spawnSync } from 'node:child_process'
import type { CommandContext } from '../cli/index.ts'
import { systemClock } from '../core/clock.ts'
import { EXIT_CODES, errorCode } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'

const STTY_MS_MAX = 2_000

/** Besides SIGINT and SIGTERM, what a person may send to a program that stands for another one. */
const PASSED_ON = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const

/** The world of a command: this process. The first SIGINT or SIGTERM asks it to end; a second one ends it at once. */
export function processContext(): CommandContext {
  const stop = new AbortController()
  let taker: ((signal: string) => void) | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (taker !== undefined) return taker(signal)
    if (stop.signal.aborted) process.exit(128 + (signal === 'SIGINT' ? 2 : 15))
    stop.abort(new DOMException(`Ended by ${signal}`, { name: 'AbortError', cause: signal }))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // By default they end a process; who stands for another one takes them below.
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
  // A reader that has seen enough (`compose logs | head`) is no error; a disk that is full is, and cannot be told.
  const onLost = (error: Error): void =>
    process.exit(errorCode(error) === 'EPIPE' ? EXIT_CODES.done : EXIT_CODES.failed)
  const undoings = new Set<() => void>()
  process.once('exit', () => {
    for (const undo of undoings) undo()
  })
  process.stdout.on('error', onLost)
  process.stderr.on('error', onLost)
  return {
    stdin: process.stdin,
    // Without stty the picture is only less exact.
    rawOutput: () =>
      void spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'], timeout: STTY_MS_MAX }),
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    random: systemRandom,
    signal: stop.signal,
    atExit(undo) {
      undoings.add(undo)
      return () => void undoings.delete(undo)
    },
    takeSignals(handler) {
      taker = handler
      const pass = (signal: NodeJS.Signals): void => handler(signal)
      for (const signal of PASSED_ON) process.on(signal, pass)
      return () => {
        taker = undefined
        for (const signal of PASSED_ON) process.off(signal, pass)
      }
    },
  }
}
