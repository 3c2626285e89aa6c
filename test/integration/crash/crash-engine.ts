import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ContainerCreateRequest } from '../../../src/docker-api/index.ts'
import type { EngineOptions } from '../../../src/runtime/index.ts'

export interface CrashCall {
  readonly operation:
    | 'create'
    | 'start'
    | 'stop'
    | 'remove'
    | 'list'
    | 'inspect'
    | 'pull'
    | 'build'
    | 'load'
    | 'images'
    | 'removeImage'
    | 'pruneBuilds'
  /** Container, image, or the name of what is built. */
  readonly target?: string
  readonly request?: ContainerCreateRequest
  /** A tar, base64. */
  readonly archive?: string
}

interface Outcome {
  readonly id?: number
  readonly value?: unknown
  readonly error?: string
  readonly awaits: number
}

/** An engine in a process of its own that can be killed in the middle of what it does, and opened again on its roots. */
export class CrashEngine {
  readonly #options: EngineOptions
  #child: ChildProcess | undefined
  #gone: Promise<undefined> = Promise.resolve(undefined)
  #calls = 0

  constructor(options: EngineOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const program = join(import.meta.dirname, 'crash-program.ts')
    const child = spawn(process.execPath, [program, JSON.stringify(this.#options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#gone = once(child, 'exit').then(() => undefined)
    const ready = once(child, 'message').then(() => 'ready')
    ready.catch(() => {})
    if ((await Promise.race([ready, this.#gone])) === undefined) throw new Error('the engine did not open')
  }

  /** Does one thing; resolves with its value and at how many points it could have been killed. */
  async call(call: CrashCall): Promise<{ readonly value: unknown; readonly awaits: number }> {
    const outcome = await this.#ask(call)
    if (outcome === undefined) throw new Error(`the engine died during ${call.operation}`)
    if (outcome.error !== undefined) throw new Error(`${call.operation}: ${outcome.error}`)
    return { value: outcome.value, awaits: outcome.awaits }
  }

  /** Begins to do it and dies at the n-th await, or just after it is done if there are fewer. */
  async crashDuring(call: CrashCall, killAfter: number): Promise<void> {
    await this.#ask(call, killAfter)
    await this.kill()
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
    await this.#gone
  }

  async #ask(call: CrashCall, killAfter?: number): Promise<Outcome | undefined> {
    const child = this.#child
    if (child === undefined) throw new Error('open the engine first')
    const id = ++this.#calls
    const answered = new Promise<Outcome>(resolve => {
      const listen = (message: unknown): void => {
        const outcome = message as Outcome
        if (outcome.id !== id) return
        child.off('message', listen)
        resolve(outcome)
      }
      child.on('message', listen)
    })
    child.send({ id, call, ...(killAfter === undefined ? {} : { killAfter }) })
    return Promise.race([answered, this.#gone])
  }
}
