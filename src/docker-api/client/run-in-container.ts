import type { Clock } from '../../core/clock.ts'
import type { HookSpec } from '../../core/model/service.ts'
import type { Engine } from '../engine.ts'
import { FrameDecoder } from '../stream-frames.ts'
import { execExitCode } from './exec-exit-code.ts'

export interface Ran {
  readonly code: number
  /** What it wrote, of both kinds: the end of it if it was much. */
  readonly output: string
}

export interface CommandRun {
  readonly engine: Pick<Engine, 'exec'>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Of what a command writes, so much is kept for a message. */
const OUTPUT_CHARS_MAX = 4_096

/** Runs a command in a container to its end, without any input. Rejects with the signal's reason when that is aborted: the command may run on. */
export async function runInContainer(
  container: string,
  { command, user, workingDir, privileged = false, environment = {} }: HookSpec,
  { engine, clock, signal }: CommandRun,
): Promise<Ran> {
  const { Id } = await engine.exec.create(container, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: command,
    Env: Object.entries(environment).map(([key, value]) => (value === null ? key : `${key}=${value}`)),
    Privileged: privileged,
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
  })
  const attached = await engine.exec.start(Id, { detach: false, tty: false })
  if (attached === undefined) return { code: 0, output: '' }
  const { stream } = attached
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  const decoder = new FrameDecoder()
  let output = ''
  try {
    signal.throwIfAborted()
    stream.end()
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const { data } of decoder.push(chunk)) output = (output + data.toString()).slice(-OUTPUT_CHARS_MAX)
    }
    // A stream that was destroyed ends without an error.
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
  const code = await execExitCode(() => engine.exec.inspect(Id), { clock, signal })
  return { code, output: output.trim() }
}
