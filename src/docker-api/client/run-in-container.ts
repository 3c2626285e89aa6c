import type { Clock } from '../../core/clock.ts'
import type { HookSpec } from '../../core/model/service.ts'
import type { Engine } from '../engine.ts'
import { type Frame, FrameDecoder } from '../stream-frames.ts'
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
  /** Told of each line of output, without its end, as it is written. */
  readonly onLine?: ((line: string) => void) | undefined
}

/** Of what a command writes, so much is kept for a message. */
const OUTPUT_CHARS_MAX = 4_096

/** Runs a command in a container to its end, without any input. Rejects with the signal's reason when that is aborted: the command may run on. */
export async function runInContainer(
  container: string,
  { command, user, workingDir, privileged = false, environment = {} }: HookSpec,
  { engine, clock, signal, onLine = () => {} }: CommandRun,
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
  const writers = { stdout: lineCutter(onLine), stderr: lineCutter(onLine) }
  const tell = (which: Frame['stream'], data?: Uint8Array): void => {
    output = (output + writers[which](data)).slice(-OUTPUT_CHARS_MAX)
  }
  try {
    signal.throwIfAborted()
    stream.end()
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const frame of decoder.push(chunk)) tell(frame.stream, frame.data)
    }
    tell('stdout')
    tell('stderr')
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

/**
 * Cuts what one stream says into lines: letters and lines may be spread over frames, with what the other stream says in between.
 * Gives back the text that the bytes have made whole; without bytes it is the end.
 */
function lineCutter(onLine: (line: string) => void): (data?: Uint8Array) => string {
  const decoder = new TextDecoder()
  let rest = ''
  return data => {
    const text = decoder.decode(data, { stream: data !== undefined })
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (rest !== '' && (data === undefined || rest.length > OUTPUT_CHARS_MAX)) {
      onLine(rest)
      rest = ''
    }
    return text
  }
}
