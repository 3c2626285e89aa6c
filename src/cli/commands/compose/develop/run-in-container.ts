import type { Engine } from '../../../../docker-api/index.ts'
import { readOutput } from '../../../manager/multiplexed.ts'
import type { HookCommand } from './watch-rules.ts'

export interface Ran {
  readonly code: number
  /** What it wrote, of both kinds: the end of it if it was much. */
  readonly output: string
}

/** Of what a command writes, so much is kept for a message. */
const OUTPUT_CHARS_MAX = 4_096

/** Runs a command in a container to its end, without any input. */
export async function runInContainer(
  engine: Pick<Engine, 'exec'>,
  container: string,
  { command, user, workingDir, privileged, environment }: HookCommand,
  signal: AbortSignal,
): Promise<Ran> {
  const { Id } = await engine.exec.create(container, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: command,
    Env: environment,
    Privileged: privileged,
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
  })
  const attached = await engine.exec.start(Id, { detach: false, tty: false })
  if (attached === undefined) return { code: 0, output: '' }
  const { stream } = attached
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  let output = ''
  try {
    signal.throwIfAborted()
    stream.end()
    for await (const { data } of readOutput(stream, 'application/vnd.docker.multiplexed-stream')) {
      output = (output + data.toString()).slice(-OUTPUT_CHARS_MAX)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
  return { code: (await engine.exec.inspect(Id)).ExitCode ?? 0, output: output.trim() }
}
