import { mkdir, rm, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Timer } from '../../../core/clock.ts'
import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { conflict, failed, invalidInput, notFound } from '../../../core/errors.ts'
import { newHexId } from '../../../core/random.ts'
import type { AttachedStream, ExecCreateRequest, ExecOperations, ExecStartOptions } from '../../../docker-api/index.ts'
import { identifyProcess, sendSignal } from '../../linux/process/process-identity.ts'
import { AttachStream } from '../attach/attach-stream.ts'
import { writeTerminalSize } from '../attach/terminal-size.ts'
import { isRestarting, notRunning } from '../container-errors.ts'
import { bundleFiles } from '../engine-paths.ts'
import { userInside } from '../life/bundle.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { execProcess } from '../spec/exec-process.ts'
import { describeCommand, type Exec, hasStarted, inspectExec, isForgotten, sizeOf } from './exec.ts'

/** How often execs that nobody needs are looked for. */
const SWEEP_EVERY_MS = 60_000

export type ExecRoom = Pick<Room, 'table' | 'random' | 'clock' | 'conmon' | 'paths' | 'facts' | 'events' | 'closing'>

export interface RunOptions {
  readonly signal: AbortSignal
  readonly outputBytesMax: number
}

interface StartOptions extends Partial<ExecStartOptions> {
  readonly attach: boolean
}

/** Commands run inside running containers, each under a conmon of its own. They are not remembered by the next engine. */
export class ExecTable {
  readonly #room: ExecRoom
  readonly #execs = new Map<string, Exec>()
  #sweeping: Timer | undefined

  constructor(room: ExecRoom) {
    this.#room = room
  }

  readonly operations: ExecOperations = {
    create: async (reference, request) => ({ Id: this.#create(reference, request).id }),
    start: async (execId, { detach, ...options }) => {
      const { stream } = await this.#start(this.#get(execId), { ...options, attach: !detach })
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
    const { stream, exited } = await this.#start(exec, { attach: true, tty: true })
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
      this.#execs.delete(exec.id)
    }
  }

  close(): void {
    this.#sweeping?.cancel()
  }

  #create(reference: string, request: ExecCreateRequest, how?: 'silently'): Exec {
    const record = this.#room.table.get(reference)
    this.#runningContainer(record.id)
    if (request.Cmd.length === 0) throw invalidInput('NO_COMMAND', 'No exec command specified')
    const exec: Exec = {
      id: newHexId(this.#room.random),
      containerId: record.id,
      request,
      detachKeys: parseDetachKeys(request.DetachKeys),
      state: { status: 'created' },
      sinceMs: this.#room.clock.monotonicMs(),
    }
    this.#execs.set(exec.id, exec)
    this.#sweepLater()
    if (how === undefined)
      emitContainer(this.#room, record, `exec_create: ${describeCommand(request)}`, { execID: exec.id })
    return exec
  }

  async #start(
    exec: Exec,
    { attach, tty = false, size }: StartOptions,
  ): Promise<{ readonly stream: AttachedStream | undefined; readonly exited: Promise<number> }> {
    if (exec.state.status !== 'created') throw hasStarted(exec)
    const record = this.#runningContainer(exec.containerId)
    exec.state = { status: 'running', pid: 0, process: undefined }
    const stream = attach ? this.#newStream(exec, record, tty) : undefined
    try {
      const bundle = await this.#writeBundle(exec, record, size)
      const request = {
        id: record.id,
        bundle,
        exitFolder: bundle,
        tty: exec.request.Tty === true,
        stdin: attach && exec.request.AttachStdin === true,
        keepStdinOpen: false,
        execProcess: bundleFiles(bundle).config,
      }
      const monitored = await this.#room.conmon.exec(request, () => stream?.connect(bundleFiles(bundle).attach))
      exec.state = { status: 'running', pid: monitored.pid, process: identifyProcess(monitored.pid) }
      emitContainer(this.#room, record, `exec_start: ${describeCommand(exec.request)}`, { execID: exec.id })
      const exited = monitored.exitCode.then(code => this.#end(exec, code))
      // Nobody need wait for it.
      exited.catch(() => {})
      stream?.endAfter(exited)
      return { stream: stream === undefined ? undefined : { stream, tty }, exited }
    } catch (error) {
      stream?.destroy()
      const code =
        error instanceof Error && 'details' in error ? (error.details as { exitCode?: number }).exitCode : 126
      await this.#end(exec, code ?? 126)
      throw error
    }
  }

  #newStream({ id, request, detachKeys }: Exec, record: ContainerRecord, tty: boolean): AttachStream {
    const { AttachStdin = false, AttachStdout = false, AttachStderr = false, Tty = false } = request
    return new AttachStream({
      tty,
      stdin: AttachStdin,
      stdout: AttachStdout,
      stderr: AttachStderr,
      endsWithInput: AttachStdin && Tty,
      ...(Tty ? { detachKeys } : {}),
      onDetach: () => emitContainer(this.#room, record, 'exec_detach', { execID: id }),
    })
  }

  async #writeBundle(exec: Exec, record: ContainerRecord, size: ExecStartOptions['size']): Promise<string> {
    const bundle = this.#bundle(exec)
    await mkdir(bundle, { recursive: true, mode: 0o700 })
    const wished = exec.request.User ?? ''
    const life = record.life
    const root = life.status === 'running' ? `/proc/${life.process.pid}/root` : undefined
    if (root === undefined) throw failed('EXEC_FAILED', `Container ${record.id} is not running`)
    const user = userInside(root, wished === '' ? (record.config.User ?? '') : wished, record.host.GroupAdd ?? [])
    const terminal = exec.request.Tty === true
    const process = execProcess(exec.request, { record, user, terminal, boundingSet: this.#room.facts.boundingSet })
    const consoleSize = terminal ? (size ?? sizeOf(exec.request.ConsoleSize)) : undefined
    const spec = { ...process, ...(consoleSize === undefined ? {} : { consoleSize }) }
    await writeFile(bundleFiles(bundle).config, JSON.stringify(spec), { mode: 0o600 })
    return bundle
  }

  async #end(exec: Exec, exitCode: number): Promise<number> {
    exec.state = { status: 'ended', exitCode }
    exec.sinceMs = this.#room.clock.monotonicMs()
    const record = this.#room.table.find(exec.containerId)
    if (record !== undefined && this.#execs.has(exec.id)) {
      emitContainer(this.#room, record, 'exec_die', { execID: exec.id, exitCode: String(exitCode) })
    }
    await rm(this.#bundle(exec), { recursive: true, force: true })
    return exitCode
  }

  #sweepLater(): void {
    if (this.#sweeping !== undefined || this.#room.closing.aborted || this.#execs.size === 0) return
    this.#sweeping = this.#room.clock.setTimer(SWEEP_EVERY_MS, () => {
      this.#sweeping = undefined
      const nowMs = this.#room.clock.monotonicMs()
      for (const exec of this.#execs.values()) {
        const container = this.#room.table.find(exec.containerId)
        if (isForgotten(exec, container, nowMs)) this.#execs.delete(exec.id)
      }
      this.#sweepLater()
    })
  }

  #runningContainer(id: string): ContainerRecord {
    const record = this.#room.table.get(id)
    if (record.life.status === 'restarting') throw isRestarting(id)
    if (!isRunning(record)) throw notRunning(id)
    if (record.life.paused) {
      throw conflict('CONTAINER_PAUSED', `Container ${id} is paused, unpause the container before exec`)
    }
    return record
  }

  #get(id: string): Exec {
    const exec = this.#execs.get(id)
    if (exec === undefined || this.#room.table.find(exec.containerId) === undefined)
      throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
    return exec
  }

  #bundle({ id }: Exec): string {
    return join(this.#room.paths.execs, id)
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
