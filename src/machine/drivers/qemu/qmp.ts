import { open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { errorCode, failed, unavailable } from '../../../core/errors.ts'

/** QEMU's monitor of one machine (docs/interop/qmp-spec). */
export interface Qmp {
  /** Resolves with what is returned. Throws QEMU_REFUSED with QEMU's sentence, or QEMU_GONE. */
  readonly execute: (command: string, args?: Readonly<Record<string, unknown>>) => Promise<unknown>
}

interface QmpOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs?: number
}

type Reply = { readonly return?: unknown; readonly error?: { readonly desc?: unknown }; readonly QMP?: unknown }

const ANSWER_MS_MAX = 10_000

/**
 * Speaks with the monitor behind a socket of a machine's folder. Resolves with undefined if nobody listens there: QEMU does not
 * run. Throws QEMU_SILENT if it does not answer in time.
 */
export async function withQmp<T>(
  folder: string,
  socketName: string,
  work: (qmp: Qmp) => Promise<T>,
  { clock, signal, timeoutMs = ANSWER_MS_MAX }: QmpOptions,
): Promise<T | undefined> {
  return withDeadline(inner => speak(folder, socketName, work, inner), timeoutMs, {
    clock,
    signal,
    onTimeout: () => unavailable('QEMU_SILENT', 'QEMU does not answer: `machine kill` ends it'),
  })
}

async function speak<T>(
  folder: string,
  socketName: string,
  work: (qmp: Qmp) => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const socket = await dial(folder, socketName, signal)
  if (socket === undefined) return undefined
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const next = async (): Promise<Reply> => {
    const { value, done } = await lines.next()
    signal.throwIfAborted()
    if (done === true) throw failed('QEMU_GONE', 'QEMU ended while it was spoken with')
    return JSON.parse(value) as Reply
  }
  const execute: Qmp['execute'] = async (command, args = {}) => {
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    for (;;) {
      const reply = await next()
      if (reply.error !== undefined)
        throw failed('QEMU_REFUSED', `QEMU refuses ${command}: ${String(reply.error.desc)}`)
      // Events come in between.
      if ('return' in reply) return reply.return
    }
  }
  try {
    // It greets first.
    await next()
    await execute('qmp_capabilities')
    return await work({ execute })
  } finally {
    socket.destroy()
  }
}

async function dial(folder: string, socketName: string, signal: AbortSignal): Promise<Socket | undefined> {
  try {
    const directory = await open(folder)
    try {
      // The path of a socket has room for 107 bytes, and a store may lie deeper.
      const socket = connect(`/proc/self/fd/${directory.fd}/${socketName}`)
      signal.addEventListener('abort', () => socket.destroy(), { once: true })
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
        socket.once('close', () => reject(signal.reason))
      })
      // Whoever reads is told by the end of the lines.
      socket.on('error', () => {})
      return socket
    } finally {
      await directory.close()
    }
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}
