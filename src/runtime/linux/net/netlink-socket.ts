import { closeSync } from 'node:fs'
import { libcFunction, SyscallError } from '../process/libc.ts'
import { decodeMessages, encodeMessage, NLM_F, NLMSG_DONE, NLMSG_ERROR } from './netlink-codec.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const RECEIVE_BYTES = 256 * 1024
const ANSWER_TIMEOUT_S = 5

const sysSocket = libcFunction<[number, number, number]>('int socket(int domain, int type, int protocol)')
const sysSetsockopt = libcFunction<[number, number, number, Uint8Array, number]>(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
)
const sysSend = libcFunction<[number, Uint8Array, bigint, number]>(
  'long send(int fd, const void *data, size_t length, int flags)',
)
const sysRecv = libcFunction<[number, Uint8Array, bigint, number]>(
  'long recv(int fd, void *data, size_t length, int flags)',
)

export interface NetlinkRequest {
  readonly type: number
  /** Beyond request and acknowledge. */
  readonly flags?: number
  readonly payload: Buffer
  /** For the error: `add address 10.0.0.1 to shoal0`. */
  readonly what: string
}

export type NetlinkBatchPart = Omit<NetlinkRequest, 'what'>

/** Changes that netfilter makes together or not at all. */
export interface NetlinkBatch {
  readonly begin: NetlinkBatchPart
  readonly parts: readonly NetlinkBatchPart[]
  readonly end: NetlinkBatchPart
}

/**
 * A netlink socket (by default for routing) of the network namespace the thread was in when it was opened; it keeps acting on that namespace
 * wherever the thread goes. Calls are synchronous: the kernel answers a request before `send` returns.
 */
export class NetlinkSocket {
  readonly #fd: number
  readonly #buffer = Buffer.alloc(RECEIVE_BYTES)
  #sequence = 0

  constructor(protocol = NETLINK_ROUTE) {
    this.#fd = sysSocket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)
    const timeout = Buffer.alloc(16)
    timeout.writeBigInt64LE(BigInt(ANSWER_TIMEOUT_S))
    sysSetsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length)
  }

  /** Sends one change and waits for its acknowledgement; throws a SyscallError with the kernel's reason. */
  change({ type, flags = 0, payload, what }: NetlinkRequest): void {
    this.#exchange({ type, flags: flags | NLM_F.ack, payload, what })
  }

  /** Everything the kernel answers: one payload, or with the `dump` flag all of a kind. */
  query({ type, flags = 0, payload, what }: NetlinkRequest): Buffer[] {
    return this.#exchange({ type, flags, payload, what })
  }

  /** Sends a batch and waits until each part is acknowledged; throws a SyscallError with the first refusal. */
  batch(what: string, { begin, parts, end }: NetlinkBatch): void {
    const sequence = ++this.#sequence
    const encode = ({ type, flags = 0, payload }: NetlinkBatchPart, extra: number): Buffer =>
      encodeMessage({ type, flags: flags | NLM_F.request | extra, sequence, payload })
    const bytes = Buffer.concat([encode(begin, 0), ...parts.map(part => encode(part, NLM_F.ack)), encode(end, 0)])
    sysSend(this.#fd, bytes, BigInt(bytes.length), 0)
    for (let answers = 0; answers < parts.length; ) {
      const length = sysRecv(this.#fd, this.#buffer, BigInt(this.#buffer.length), 0)
      for (const message of decodeMessages(this.#buffer.subarray(0, length))) {
        if (message.sequence !== sequence || message.type !== NLMSG_ERROR) continue
        const errno = -message.payload.readInt32LE(0)
        if (errno !== 0) throw new SyscallError(what, errno)
        answers++
      }
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #exchange({ type, flags = 0, payload, what }: NetlinkRequest): Buffer[] {
    const sequence = ++this.#sequence
    const request = encodeMessage({ type, flags: flags | NLM_F.request, sequence, payload })
    sysSend(this.#fd, request, BigInt(request.length), 0)
    const answers: Buffer[] = []
    const isDump = (flags & NLM_F.dump) === NLM_F.dump
    for (;;) {
      const length = sysRecv(this.#fd, this.#buffer, BigInt(this.#buffer.length), 0)
      for (const message of decodeMessages(this.#buffer.subarray(0, length))) {
        // An answer to an earlier request that timed out.
        if (message.sequence !== sequence) continue
        if (message.type === NLMSG_ERROR) {
          const errno = -message.payload.readInt32LE(0)
          if (errno !== 0) throw new SyscallError(what, errno)
          return answers
        }
        if (message.type === NLMSG_DONE) return answers
        answers.push(Buffer.from(message.payload))
        if (!isDump && (flags & NLM_F.ack) === 0) return answers
      }
    }
  }
}
