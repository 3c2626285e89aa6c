import type { Duplex } from 'node:stream'
import { DetachScanner } from '../../core/detach-keys.ts'
import { failed } from '../../core/errors.ts'
import type { CommandContext } from '../command.ts'
import { readOutput } from '../manager/multiplexed.ts'

export interface Conversation {
  readonly stream: Duplex
  /** The process has a terminal: bytes go both ways as they are. */
  readonly tty: boolean
  /** Our input goes to the process. */
  readonly stdin: boolean
  /** Keys that end the conversation and leave the process alone; only with a terminal. */
  readonly detachKeys: Buffer
  /** Tells the process's terminal how large ours is. */
  readonly resize: (size: { readonly height: number; readonly width: number }) => Promise<void>
}

/** Copies both ways until the process ends its output, or the person detaches. Throws when the connection is lost. */
export async function converse(conversation: Conversation, context: CommandContext): Promise<'ended' | 'detached'> {
  const { stream, tty } = conversation
  const { signal } = context
  const left = Promise.withResolvers<'detached'>()
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const restoreTerminal = tty ? takeTerminal(conversation, context) : () => {}
  const stopInput = conversation.stdin ? feedInput(conversation, context, () => left.resolve('detached')) : () => {}
  try {
    return await Promise.race([printOutput(conversation, context).then(() => 'ended' as const), left.promise])
  } catch (cause) {
    signal.throwIfAborted()
    throw failed('CONNECTION_LOST', 'The connection to the container was lost', { cause })
  } finally {
    signal.removeEventListener('abort', stop)
    stopInput()
    restoreTerminal()
    stream.destroy()
  }
}

/** Raw keys, if ours is one, and the size of it now and whenever it changes. */
function takeTerminal({ resize }: Conversation, { stdin, stdout, rawOutput }: CommandContext): () => void {
  const tell = (): void => {
    if (stdout.rows === undefined || stdout.columns === undefined) return
    // The process may have ended already; its size does not matter then.
    resize({ height: stdout.rows, width: stdout.columns }).catch(() => {})
  }
  const raw = stdin.isTTY === true
  tell()
  stdout.on('resize', tell)
  if (raw) {
    stdin.setRawMode?.(true)
    rawOutput?.()
  }
  return () => {
    stdout.off('resize', tell)
    if (raw) stdin.setRawMode?.(false)
  }
}

function feedInput(
  { stream, tty, detachKeys }: Conversation,
  { stdin }: CommandContext,
  detach: () => void,
): () => void {
  const scanner = new DetachScanner(detachKeys)
  const onData = (chunk: Buffer): void => {
    const { forward, detached } = tty ? scanner.push(Buffer.from(chunk)) : { forward: chunk, detached: false }
    if (forward.length > 0 && !stream.write(forward)) {
      stdin.pause()
      stream.once('drain', () => stdin.resume())
    }
    if (detached) detach()
  }
  const onEnd = (): void => void stream.end()
  // What ends the conversation is its output; input that nobody takes any more is no failure.
  stream.on('error', () => {})
  stdin.on('data', onData).on('end', onEnd)
  return () => {
    stdin.off('data', onData).off('end', onEnd)
    stdin.pause()
  }
}

async function printOutput({ stream, tty }: Conversation, { stdout, stderr }: CommandContext): Promise<void> {
  const type = tty ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream'
  for await (const { stream: which, data } of readOutput(stream, type)) {
    const target = which === 'stderr' ? stderr : stdout
    if (!target.write(data)) await new Promise(resolve => target.once('drain', resolve))
  }
}
