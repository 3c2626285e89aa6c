import { mkdir, rm, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Timer } from '../../core/clock.ts'
import { conflict, failed, invalidInput, notFound } from '../../core/errors.ts'
import { newHexId } from '../../core/random.ts'
import type { AttachedStream, ExecCreateRequest, ExecInspect, ExecOperations } from '../../docker-api/index.ts'
import { identifyProcess, type ProcessIdentity, sendSignal } from '../linux/process-identity.ts'
import { AttachStream } from './attach-stream.ts'
import { notRunning } from './container-errors.ts'
import { bundleFiles } from './engine-paths.ts'
import { type ContainerRecord, isRunning } from './record.ts'
import { emitContainer, type Room } from './room.ts'
import { execProcess } from './spec/exec-process.ts'
import { writeTerminalSize } from './terminal-size.ts'
import { userInside } from './write-bundle.ts'

/** How long an exec that has ended can still be inspected. */
const FORGET_AFTER_MS = 300_000

type ExecState =
  | { readonly status: 'created' }
  | { readonly status: 'running'; readonly pid: number; readonly process: ProcessIdentity | undefined }
  | { readonly status: 'ended'; readonly exitCode: number }

export type ExecRoom = Pick<Room, 'table' | 'random' | 'clock' | 'conmon' | 'paths' | 'facts' | 'events' | 'closing'>

interface Exec {
  readonly id: string
  readonly containerId: string
  readonly request: ExecCreateRequest
  state: ExecState
}

export interface RunOptions {
  readonly signal: AbortSignal
  readonly outputBytesMax: number
}

/** Commands run inside running containers, each under a conmon of its own. They are not remembered by the next engine. */
export class ExecTable {
  readonly #room: ExecRoom
  readonly #execs = new Map<string, Exec>()
  readonly #forgetting = new Map<string, Timer>()

  constructor(room: ExecRoom) {
    this.#room = room
  }

  readonly operations: ExecOperations = {
    create: async (reference, request) => ({ Id: this.#create(reference, request).id }),
    start: async (execId, { detach, tty }) => {
      const exec = this.#get(execId)
      const { stream } = await this.#start(exec, { attach: !detach, tty: exec.request.Tty === true || tty })
      return stream
    },
    inspect: async execId => inspectExec(this.#get(execId)),
    resize: async (execId, size) => {
      const exec = this.#get(execId)
      if (exec.state.status !== 'running') throw conflict('EXEC_NOT_RUNNING', `Exec ${execId} is not running`)
      await writeTerminalSize(bundleFiles(this.#bundle(exec)).control, size)
    },
  }

  /** Runs a command to its end; kills it when the signal is aborted. For health checks. */
  async run(
    containerId: string,
    argv: readonly string[],
    { signal, outputBytesMax }: RunOptions,
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    const exec = this.#create(containerId, { Cmd: argv, AttachStdout: true, AttachStderr: true }, 'silently')
    const { stream, exited } = await this.#start(exec, { attach: true, tty: true, terminal: false })
    const output = collectOutput(stream?.stream, outputBytesMax)
    const kill = (): void => {
      if (exec.state.status === 'running' && exec.state.process !== undefined) {
        sendSignal(exec.state.process, constants.signals.SIGKILL)
      }
    }
    signal.addEventListener('abort', kill, { once: true })
    if (signal.aborted) kill()
    try {
      return { exitCode: await exited, output: await output }
    } finally {
      signal.removeEventListener('abort', kill)
      this.#forget(exec.id)
    }
  }

  /** Stops the timers that forget ended execs. */
  close(): void {
    for (const timer of this.#forgetting.values()) timer.cancel()
  }

  #create(reference: string, request: ExecCreateRequest, how?: 'silently'): Exec {
    const record = this.#room.table.get(reference)
    this.#runningContainer(record.id)
    if (request.Cmd.length === 0) throw invalidInput('NO_COMMAND', 'No exec command specified')
    const exec: Exec = {
      id: newHexId(this.#room.random),
      containerId: record.id,
      request,
      state: { status: 'created' },
    }
    this.#execs.set(exec.id, exec)
    if (how === undefined)
      emitContainer(this.#room, record, `exec_create: ${request.Cmd.join(' ')}`, { execID: exec.id })
    return exec
  }

  async #start(
    exec: Exec,
    { attach, tty, terminal = tty }: { readonly attach: boolean; readonly tty: boolean; readonly terminal?: boolean },
  ): Promise<{ readonly stream: AttachedStream | undefined; readonly exited: Promise<number> }> {
    if (exec.state.status !== 'created') {
      throw conflict('EXEC_STARTED', `Error: Exec command ${exec.id} has already run`)
    }
    const record = this.#runningContainer(exec.containerId)
    exec.state = { status: 'running', pid: 0, process: undefined }
    const { AttachStdin = false, AttachStdout = false, AttachStderr = false } = exec.request
    const stream = attach
      ? new AttachStream({ tty, stdin: AttachStdin, stdout: AttachStdout, stderr: AttachStderr })
      : undefined
    try {
      const bundle = await this.#writeBundle(exec, record, terminal)
      const request = {
        id: record.id,
        bundle,
        exitFolder: bundle,
        tty: terminal,
        stdin: attach && AttachStdin,
        keepStdinOpen: false,
        execProcess: bundleFiles(bundle).config,
      }
      const monitored = await this.#room.conmon.exec(request, () => stream?.connect(bundleFiles(bundle).attach))
      exec.state = { status: 'running', pid: monitored.pid, process: identifyProcess(monitored.pid) }
      emitContainer(this.#room, record, `exec_start: ${exec.request.Cmd.join(' ')}`, { execID: exec.id })
      const exited = monitored.exitCode.then(code => this.#end(exec, code))
      return { stream: stream === undefined ? undefined : { stream, tty }, exited }
    } catch (error) {
      stream?.destroy()
      const code =
        error instanceof Error && 'details' in error ? (error.details as { exitCode?: number }).exitCode : 126
      await this.#end(exec, code ?? 126)
      throw error
    }
  }

  async #writeBundle(exec: Exec, record: ContainerRecord, terminal: boolean): Promise<string> {
    const bundle = this.#bundle(exec)
    await mkdir(bundle, { recursive: true, mode: 0o700 })
    const wished = exec.request.User ?? ''
    const life = record.life
    const root = life.status === 'running' ? `/proc/${life.process.pid}/root` : undefined
    if (root === undefined) throw failed('EXEC_FAILED', `Container ${record.id} is not running`)
    const user = userInside(root, wished === '' ? (record.config.User ?? '') : wished)
    const process = execProcess(exec.request, { record, user, terminal, boundingSet: this.#room.facts.boundingSet })
    await writeFile(bundleFiles(bundle).config, JSON.stringify(process), { mode: 0o600 })
    return bundle
  }

  async #end(exec: Exec, exitCode: number): Promise<number> {
    exec.state = { status: 'ended', exitCode }
    await rm(this.#bundle(exec), { recursive: true, force: true })
    const record = this.#room.table.find(exec.containerId)
    if (record !== undefined && this.#execs.has(exec.id)) {
      emitContainer(this.#room, record, 'exec_die', { execID: exec.id, exitCode: String(exitCode) })
    }
    if (!this.#room.closing.aborted) {
      this.#forgetting.set(
        exec.id,
        this.#room.clock.setTimer(FORGET_AFTER_MS, () => this.#forget(exec.id)),
      )
    }
    return exitCode
  }

  #forget(id: string): void {
    this.#forgetting.get(id)?.cancel()
    this.#forgetting.delete(id)
    this.#execs.delete(id)
  }

  #runningContainer(id: string): ContainerRecord {
    const record = this.#room.table.get(id)
    if (!isRunning(record)) throw notRunning(id)
    if (record.life.paused) {
      throw conflict('CONTAINER_PAUSED', `Container ${id} is paused, unpause the container before exec`)
    }
    return record
  }

  #get(id: string): Exec {
    const exec = this.#execs.get(id)
    if (exec === undefined) throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
    return exec
  }

  #bundle({ id }: Exec): string {
    return join(this.#room.paths.execs, id)
  }
}

function inspectExec({ id, containerId, request, state }: Exec): ExecInspect {
  const [entrypoint = '', ...rest] = request.Cmd
  return {
    ID: id,
    ContainerID: containerId,
    Running: state.status === 'running',
    ExitCode: state.status === 'ended' ? state.exitCode : null,
    Pid: state.status === 'running' ? state.pid : 0,
    OpenStdin: request.AttachStdin === true,
    OpenStdout: request.AttachStdout === true,
    OpenStderr: request.AttachStderr === true,
    ProcessConfig: { entrypoint, arguments: rest, tty: request.Tty === true, user: request.User ?? '' },
  }
}

async function collectOutput(stream: AttachedStream['stream'] | undefined, bytesMax: number): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of stream ?? []) {
    if (bytes < bytesMax) parts.push(part as Buffer)
    bytes += (part as Buffer).length
  }
  return Buffer.concat(parts).toString('utf8', 0, bytesMax)
}
