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
  let [output, rest] = ['', '']
  const text = new TextDecoder()
  const tell = (written: string): void => {
    output = (output + written).slice(-OUTPUT_CHARS_MAX)
    const lines = (rest + written).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (rest.length <= OUTPUT_CHARS_MAX) return
    onLine(rest)
    rest = ''
  }
  try {
    signal.throwIfAborted()
    stream.end()
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const { data } of decoder.push(chunk)) tell(text.decode(data, { stream: true }))
    }
    if (rest !== '') tell('\n')
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
