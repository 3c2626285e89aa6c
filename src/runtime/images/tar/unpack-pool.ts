import { type ChildProcess, fork } from 'node:child_process'
import { Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Clock, Timer } from '../../../core/clock.ts'
import { failed, ShoalError, TransientError } from '../../../core/errors.ts'
import { programBeside } from '../../linux/process/program-beside.ts'
import { PROGRAM_PATH } from '../../linux/process/run-command.ts'
import type { Unpacked } from './unpack.ts'
import type { ToldError, UnpackJob, UnpackOrder, UnpackReply } from './unpack-program.ts'

/** More processes than this only wait for the same disk. */
const PROCESSES_MAX = 4
/** A process costs some 50 MB: it goes when nothing was unpacked for so long. */
const IDLE_MS = 3_000
/** What an archive may make its process hold; the engine's own memory is not at stake. */
const HEAP_MB_MAX = 512
/** A process that was told to stop and has not by then does not hear. */
const ABORT_MS_MAX = 5_000
const STDERR_CHARS_MAX = 300

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined
  /** Gets the packed bytes that were read since the last call. */
  readonly onRead?: ((bytes: number) => void) | undefined
}

interface Idle {
  readonly child: ChildProcess
  readonly timer: Timer
  /** Hears that the process has ended by itself. */
  readonly forget: () => void
}

/** Processes that unpack layers, so that pulls neither hold the engine up nor wait for one processor. */
export class UnpackPool {
  readonly #clock: Clock
  readonly #idle: Idle[] = []
  readonly #waiting: (() => void)[] = []
  #free = Math.min(PROCESSES_MAX, availableParallelism())

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Unpacks a layer's blob into a directory. Throws what unpackArchive throws. */
  async unpack(job: UnpackJob, { signal, onRead }: UnpackOptions = {}): Promise<Unpacked> {
    await this.#turn()
    try {
      signal?.throwIfAborted()
      const child = this.#take()
      const reply = await runJob(child, job, { signal, onRead, clock: this.#clock }).catch((error: unknown) => {
        // Whatever is left of it must not go on writing into a directory that is given up.
        child.kill('SIGKILL')
        signal?.throwIfAborted()
        throw error
      })
      this.#keep(child)
      if (reply.kind === 'done') return reply.unpacked
      signal?.throwIfAborted()
      throw restored(reply.error)
    } finally {
      this.#free++
      this.#waiting.shift()?.()
    }
  }

  /** Ends the processes that have nothing to do. */
  close(): void {
    for (const { child, timer } of this.#idle.splice(0)) {
      timer.cancel()
      child.kill('SIGKILL')
    }
  }

  async #turn(): Promise<void> {
    while (this.#free === 0) await new Promise<void>(resolve => void this.#waiting.push(resolve))
    this.#free--
  }

  #take(): ChildProcess {
    const kept = this.#idle.pop()
    if (kept === undefined) return startProcess()
    kept.timer.cancel()
    return kept.child.off('exit', kept.forget)
  }

  #keep(child: ChildProcess): void {
    // Without a job it is no reason for the engine's process to go on.
    child.unref()
    child.channel?.unref()
    const forget = (): void => {
      const index = this.#idle.findIndex(kept => kept.child === child)
      if (index >= 0) this.#idle.splice(index, 1)
    }
    const timer = this.#clock.setTimer(IDLE_MS, () => {
      forget()
      child.kill('SIGKILL')
    })
    child.once('exit', forget)
    this.#idle.push({ child, timer, forget })
  }
}

function startProcess(): ChildProcess {
  const child = fork(fileURLToPath(programBeside(import.meta.url, 'unpack-program')), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`],
    env: { PATH: PROGRAM_PATH },
  })
  // What is told to a process that ends meanwhile fails; its job hears of the end itself.
  child.on('error', () => {})
  // Its last words are read while it has a job; for the rest they are no reason to wait.
  if (child.stderr instanceof Socket) child.stderr.unref()
  return child
}

type Ended = Exclude<UnpackReply, { kind: 'read' }>

/** One job in one process; resolves when it has let go of everything. */
function runJob(
  child: ChildProcess,
  job: UnpackJob,
  { signal, onRead, clock }: UnpackOptions & { readonly clock: Clock },
): Promise<Ended> {
  const ended = Promise.withResolvers<Ended>()
  let stderr = ''
  const onMessage = (reply: UnpackReply): void => {
    if (reply.kind === 'read') onRead?.(reply.bytes)
    else ended.resolve(reply)
  }
  const onCrash = (): void => {
    const why = stderr.trim().split('\n')[0] || 'its process ended'
    ended.reject(failed('UNPACK_FAILED', `Cannot unpack a layer (${why}): check the memory and try again`))
  }
  const onStderr = (text: Buffer): void => {
    stderr = `${stderr}${text.toString()}`.slice(0, STDERR_CHARS_MAX)
  }
  let patience: Timer | undefined
  const onAbort = (): void => {
    child.send({ kind: 'abort' } satisfies UnpackOrder)
    patience = clock.setTimer(ABORT_MS_MAX, () => void child.kill('SIGKILL'))
  }
  child.ref()
  child.channel?.ref()
  child.on('message', onMessage).on('error', onCrash).on('exit', onCrash)
  child.stderr?.on('data', onStderr)
  signal?.addEventListener('abort', onAbort, { once: true })
  child.send({ kind: 'unpack', job } satisfies UnpackOrder)
  return ended.promise.finally(() => {
    patience?.cancel()
    child.off('message', onMessage).off('error', onCrash).off('exit', onCrash)
    child.stderr?.off('data', onStderr)
    signal?.removeEventListener('abort', onAbort)
  })
}

function restored({ code, status, message, transient }: ToldError): ShoalError {
  return transient ? new TransientError(code, status, message) : new ShoalError(code, status, message)
}
