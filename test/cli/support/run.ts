import { PassThrough, Writable } from 'node:stream'
import { type CommandContext, type CommandGroup, composeGroup, runProgram } from '../../../src/cli/index.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { seededRandom } from '../../../src/core/random.ts'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Short waits (polls) pass at once, long ones (deadlines) never. */
export function pollingClock(): Clock {
  let now = 100_000
  return {
    nowMs: () => now,
    nowMicros: () => now * 1_000,
    monotonicMs: () => now,
    setTimer(delayMs, run) {
      if (delayMs > 1_000) return { cancel() {} }
      const handle = setImmediate(() => {
        now += delayMs
        run()
      })
      return { cancel: () => clearImmediate(handle) }
    },
  }
}

function collector(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

/** Runs a command line of a family, with nothing of this process but what is given. */
export async function runCommand(
  argv: readonly string[],
  {
    root = composeGroup('9.9.9'),
    clock = pollingClock(),
    input = '',
    ...world
  }: Partial<Pick<CommandContext, 'env' | 'cwd' | 'signal' | 'clock' | 'tunnels'>> & {
    readonly root?: CommandGroup
    readonly input?: string
  } = {},
): Promise<Outcome> {
  const [out, err] = [collector(), collector()]
  const stdin = new PassThrough()
  stdin.end(input)
  const code = await runProgram(
    argv,
    { root, version: '9.9.9' },
    {
      stdin,
      stdout: out.stream,
      stderr: err.stream,
      env: {},
      cwd: '/',
      clock,
      random: seededRandom(1),
      signal: new AbortController().signal,
      ...world,
    },
  )
  return { code, stdout: out.text(), stderr: err.text() }
}
