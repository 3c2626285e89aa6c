import { constants } from 'node:os'
import type { Client, ClientChannel } from 'ssh2'
import { RemoteStream } from '../remote-stream.ts'

/** What ssh ends with where the host does not say how a command ended. */
const UNKNOWN_CODE = 255

/** As OpenSSH says it (RFC 4254, 5.1: SSH_OPEN_CONNECT_FAILED). */
const CONNECT_FAILED = 2

/** Asks a client for a channel. */
export type Opening = (client: Client, done: (error: Error | undefined, channel: ClientChannel) => void) => unknown

/** The channel, as soon as the host has opened it. */
export function openChannel(client: Client, open: Opening): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    open(client, (error, channel) => (error instanceof Error ? reject(error) : resolve(channel)))
  })
}

/** Whether a channel was refused because there are as many as sshd takes (MaxSessions). */
export function isTooMany(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && error.reason === CONNECT_FAILED
}

export function streamOf(channel: ClientChannel, isCommand = false): RemoteStream {
  return new RemoteStream({ output: channel, input: channel, isCommand, hangUp: () => channel.close() })
}

/** Exit code of a channel. Only its closing is final: what it exits with may be told before its last output. */
export function exitCodeOf(channel: ClientChannel): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  channel.once('close', (code: number | null | undefined, name?: string) => {
    const number =
      name === undefined ? undefined : constants.signals[`SIG${name.replace(/^SIG/, '')}` as NodeJS.Signals]
    resolve(code ?? (number === undefined ? UNKNOWN_CODE : 128 + number))
  })
  return promise
}
