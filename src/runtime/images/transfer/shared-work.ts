import type { ProgressMessage } from '../../../docker-api/index.ts'
import type { OnProgress } from './progress.ts'

interface Member {
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

interface Running<T> {
  readonly members: Set<Member>
  /** What was said last of each layer, for those who join later. */
  readonly last: Map<string, ProgressMessage>
  readonly stop: AbortController
  readonly result: Promise<T>
}

/**
 * Work that several callers want at the same time is done once. All see its progress; one who goes leaves the work to
 * the others, and it is stopped when the last has gone.
 */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>()

  async join(key: string, member: Member, start: (report: OnProgress, signal: AbortSignal) => Promise<T>): Promise<T> {
    member.signal.throwIfAborted()
    const running = this.#running.get(key) ?? this.#start(key, start)
    for (const message of running.last.values()) member.onProgress(message)
    running.members.add(member)
    const left = Promise.withResolvers<never>()
    const leave = (): void => {
      running.members.delete(member)
      left.reject(member.signal.reason)
      if (running.members.size > 0) return
      // Whoever comes from now on starts anew.
      this.#forget(key, running)
      running.stop.abort(member.signal.reason)
    }
    member.signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([running.result, left.promise])
    } finally {
      member.signal.removeEventListener('abort', leave)
      running.members.delete(member)
    }
  }

  #start(key: string, start: (report: OnProgress, signal: AbortSignal) => Promise<T>): Running<T> {
    const members = new Set<Member>()
    const last = new Map<string, ProgressMessage>()
    const stop = new AbortController()
    const report: OnProgress = message => {
      if (message.id !== undefined) last.set(message.id, message)
      for (const member of members) member.onProgress(message)
    }
    // Not before the first member listens.
    const result = Promise.resolve().then(() => start(report, stop.signal))
    const running: Running<T> = { members, last, stop, result }
    this.#running.set(key, running)
    void result.catch(() => {}).finally(() => this.#forget(key, running))
    return running
  }

  #forget(key: string, running: Running<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key)
  }
}
