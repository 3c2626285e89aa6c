import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { errorCode, failed, invalidInput, type ShoalError } from '../../../core/errors.ts'
import { invariant } from '../../../core/invariant.ts'
import { identifyProcess, sendSignal } from '../../linux/process/process-identity.ts'
import { PROGRAM_PATH, runCommand } from '../../linux/process/run-command.ts'
import { type SpawnedChild, spawnChild } from '../../linux/process/spawn-child.ts'
import { bundleFiles } from '../engine-paths.ts'
import { killMonitors } from '../life/kill-orphans.ts'
import { openConfigPipe } from './config-pipe.ts'
import { type OciRuntime, RUNTIME_ENVIRONMENT } from './oci-runtime.ts'

const LAUNCH_TIMEOUT_MS = 30_000
const STDERR_CHARS_MAX = 2_000
const MONITOR_SILENT = 'MONITOR_SILENT'

export interface MonitorRequest {
  /** The container's id, for an exec too. */
  readonly id: string
  /** conmon's working directory; holds its socket, fifos and pid files, and for a container the OCI bundle. */
  readonly bundle: string
  readonly exitFolder: string
  readonly tty: boolean
  readonly stdin: boolean
  /** Closing the last attached client's input does not end the process's input. */
  readonly keepStdinOpen: boolean
  /** Absent: output is only for who is attached. */
  readonly logPath?: string
  /** OCI process file of a command to run inside the container; absent: the container itself is created. */
  readonly execProcess?: string
}

export interface MonitoredProcess {
  readonly pid: number
  readonly monitorPid: number
}

export interface MonitoredExec extends MonitoredProcess {
  /** Resolves when the command has ended; 255 if its monitor was lost. */
  readonly exitCode: Promise<number>
}

/** A monitor that was started and waits for the configuration of its container. */
export interface WaitingMonitor {
  /** Creates the container and resolves when its first process waits to be started. */
  readonly create: (config: string) => Promise<MonitoredProcess>
  /** Ends the monitor if it still waits; resolves when it has ended. */
  readonly abandon: () => Promise<void>
}

/** conmon, and our ends of its pipes. */
interface MonitorChild extends Pick<SpawnedChild, 'kill' | 'pipes'> {
  readonly stderr: Socket
  readonly sync: Socket
  /** It waits here for a byte before it begins. */
  readonly start: Socket
  /** Of an exec: tells when its output can be attached to. */
  readonly attach: Socket
}

interface SyncMessage {
  readonly data: number
  readonly message?: string
}

/**
 * conmon, the monitor of one container or exec: it keeps stdio, log and exit code, in a session of its own, while
 * engines come and go. Source: conmon(8).
 */
export class Conmon {
  readonly path: string
  readonly #runtime: OciRuntime
  readonly #clock: Clock
  readonly #unreaped = new Set<SpawnedChild>()

  constructor(path: string, runtime: OciRuntime, clock: Clock) {
    this.path = path
    this.#runtime = runtime
    this.#clock = clock
  }

  /**
   * Starts the monitor of a container, whose folder must be there and empty. It waits for the configuration, and so does the
   * runtime if it is known to read it once: loading both takes no time when everything else is ready.
   */
  launch(request: MonitorRequest): WaitingMonitor {
    const { config: configPath, monitorPid } = bundleFiles(request.bundle)
    using scope = new DisposableStack()
    const pipe = this.#runtime.isRunc ? openConfigPipe(configPath) : undefined
    scope.defer(() => pipe?.close())
    const child = this.#spawn(request)
    const begin = (): void => void child.start.end('\0')
    if (pipe !== undefined) begin()
    const sync = new SyncPipe(child)
    const open = scope.move()
    open.defer(() => this.#release(child))
    const create = async (config: string): Promise<MonitoredProcess> => {
      using _ended = open.move()
      try {
        if (pipe === undefined) {
          writeFileSync(configPath, config, { mode: 0o600 })
          begin()
        } else pipe.give(config)
        const pid = await this.#within(request, sync.next())
        return { pid, monitorPid: readPid(monitorPid) }
      } catch (error) {
        await endSilent(error, request)
        throw error
      }
    }
    const abandon = async (): Promise<void> => {
      if (open.disposed) return
      using _ended = open.move()
      // Before its input ends, which it would take for the word to begin.
      if (pipe === undefined) child.kill()
      else pipe.refuse()
      await this.#within(request, sync.ended).catch((error: unknown) => endSilent(error, request))
    }
    return { create, abandon }
  }

  /**
   * Runs a command in a running container. `onReady` is called when its output can be attached to and before it runs.
   */
  async exec(request: MonitorRequest, onReady: () => void): Promise<MonitoredExec> {
    const child = this.#spawn(request)
    const { start, attach } = child
    const sync = new SyncPipe(child)
    const first = sync.next()
    // Failure shows up on either pipe; whoever loses the race must not be an unhandled rejection.
    first.catch(() => {})
    try {
      // The first byte lets conmon set itself up, the second, once its socket is there, lets the command run.
      start.write('\0')
      await this.#within(request, Promise.race([once(attach), first.then(() => {})]))
      onReady()
      start.end('\0')
      const pid = await this.#within(request, first)
      const monitorPid = readPid(bundleFiles(request.bundle).monitorPid)
      const exitCode = sync.next().then(
        code => code,
        () => 255,
      )
      this.#reap()
      void exitCode.finally(() => this.#release(child))
      return { pid, monitorPid, exitCode }
    } catch (error) {
      await endSilent(error, request)
      this.#release(child)
      throw error
    }
  }

  async version(): Promise<string> {
    const text = await runCommand(this.path, ['--version'], { clock: this.#clock, timeoutMs: LAUNCH_TIMEOUT_MS })
    return /version (\S+)/.exec(text)?.[1] ?? ''
  }

  #spawn(request: MonitorRequest): MonitorChild {
    this.#reap()
    const isExec = request.execProcess !== undefined
    const pipes = ['from', 'from', 'to', ...(isExec ? ['from' as const] : [])] as const
    try {
      const child = spawnChild(this.path, this.#arguments(request), {
        cwd: request.bundle,
        env: {
          PATH: PROGRAM_PATH,
          ...RUNTIME_ENVIRONMENT,
          _OCI_SYNCPIPE: '3',
          _OCI_STARTPIPE: '4',
          ...(isExec ? { _OCI_ATTACHPIPE: '5' } : {}),
        },
        pipes,
      })
      this.#unreaped.add(child)
      const [stderr, sync, start, attach = sync] = child.pipes
      invariant(stderr !== undefined && sync !== undefined && start !== undefined && attach !== undefined, 'has pipes')
      return { ...child, stderr, sync, start, attach }
    } catch (cause) {
      throw failed('RUNTIME_FAILED', `Cannot start ${this.path}`, { cause })
    }
  }

  /** Lets go of our ends of the pipes; conmon does not need them any more. */
  #release({ pipes }: MonitorChild): void {
    for (const pipe of pipes) pipe.destroy()
    this.#reap()
  }

  /** conmon ends at once, after it has put itself into the background. */
  #reap(): void {
    for (const child of this.#unreaped) if (child.reap()) this.#unreaped.delete(child)
  }

  #arguments(request: MonitorRequest): string[] {
    const files = bundleFiles(request.bundle)
    const { program, stateFolder } = this.#runtime
    const { id, bundle, exitFolder, logPath, execProcess } = request
    return [
      ['--api-version', '1', '-c', id, '-u', id, '-n', id],
      ['-r', program, '--runtime-arg', '--root', '--runtime-arg', stateFolder],
      ['-b', bundle, '--full-attach', '-p', files.pid, '-P', files.monitorPid],
      ['--exit-dir', exitFolder, '--log-level', 'error', '--no-sync-log'],
      ['-l', logPath === undefined ? 'none' : `k8s-file:${logPath}`],
      request.tty ? ['-t'] : [],
      request.stdin ? ['-i'] : [],
      request.keepStdinOpen ? ['--leave-stdin-open'] : [],
      execProcess === undefined ? [] : ['-e', '--exec-attach', '--exec-process-spec', execProcess],
    ].flat()
  }

  #within<T>({ id }: MonitorRequest, work: Promise<T>): Promise<T> {
    return withDeadline(() => work, LAUNCH_TIMEOUT_MS, {
      clock: this.#clock,
      onTimeout: () =>
        failed(MONITOR_SILENT, `conmon of container ${id} said nothing within ${LAUNCH_TIMEOUT_MS / 1_000} s`),
    })
  }
}

/** A monitor that does not answer in time is ended, with what it may have begun: it must not come to life later. */
async function endSilent(cause: unknown, { bundle, execProcess }: MonitorRequest): Promise<void> {
  if (errorCode(cause) !== MONITOR_SILENT) return
  await killMonitors(bundle)
  if (execProcess === undefined) return
  const pid = begunPid(bundle)
  const begun = pid > 0 ? identifyProcess(pid) : undefined
  if (begun !== undefined) sendSignal(begun, constants.signals.SIGKILL)
}

/** The messages conmon sends: first the pid, or why there is none; of an exec then the exit code. */
class SyncPipe {
  /** Resolves when nobody is left who could say something. */
  readonly ended: Promise<void>
  #buffer = ''
  #stderr = ''
  #hasEnded = false
  #wake: (() => void) | undefined

  constructor({ sync, stderr }: MonitorChild) {
    const wake = (): void => this.#wake?.()
    sync.setEncoding('utf8').on('data', (text: string) => {
      this.#buffer += text
      wake()
    })
    this.ended = new Promise(resolve => {
      sync.on('close', () => {
        this.#hasEnded = true
        wake()
        resolve()
      })
    })
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX)
    })
  }

  /** The number in the next message. Throws what conmon or the runtime complained about. */
  async next(): Promise<number> {
    for (;;) {
      const end = this.#buffer.indexOf('\n')
      if (end >= 0) {
        const message = JSON.parse(this.#buffer.slice(0, end)) as SyncMessage
        this.#buffer = this.#buffer.slice(end + 1).trimStart()
        if (message.data < 0) throw launchError(message.message ?? this.#stderr)
        return message.data
      }
      if (this.#hasEnded) throw launchError(this.#stderr || 'conmon ended')
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

const MOUNT_KINDS_DIFFER =
  'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type'

/** The runtime's complaint in docker's words; a command that cannot be run is the caller's mistake. */
function launchError(complaint: string): ShoalError {
  const reasons = [...complaint.matchAll(/msg="((?:[^"\\]|\\.)*)"/g)].map(match => match[1] ?? '')
  const reason = (reasons.at(-1) ?? complaint).replaceAll('\\"', '"').trim().slice(0, STDERR_CHARS_MAX)
  const isExec = reason.startsWith('exec failed')
  const text = `${isExec ? 'OCI runtime exec' : 'failed to create shim task: OCI runtime create'} failed: ${reason}: unknown`
  const isOfCommand = isExec || reason.includes('exec: "')
  if (isOfCommand && /executable file not found|no such file or directory/.test(reason)) {
    return invalidInput('COMMAND_NOT_FOUND', text, { details: { exitCode: 127 } })
  }
  if (isOfCommand && /permission denied|exec format error|is a directory/.test(reason)) {
    return invalidInput('COMMAND_NOT_EXECUTABLE', text, { details: { exitCode: 126 } })
  }
  if (/error mounting .*: not a directory$/.test(reason)) {
    return invalidInput('MOUNT_KINDS_DIFFER', `${text}: ${MOUNT_KINDS_DIFFER}`, { details: { exitCode: 127 } })
  }
  return failed('RUNTIME_FAILED', text, { details: { exitCode: 128 } })
}

function begunPid(bundle: string): number {
  try {
    return readPid(bundleFiles(bundle).pid)
  } catch {
    return 0
  }
}

/** A file of a few bytes on tmpfs: waiting for a thread would take longer. */
function readPid(path: string): number {
  return Number(readFileSync(path, 'utf8').trim())
}

function once(stream: Socket): Promise<void> {
  return new Promise(resolve => stream.once('data', () => resolve()).once('close', () => resolve()))
}
