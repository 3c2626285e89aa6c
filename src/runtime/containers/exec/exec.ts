import { conflict, invalidInput, type ShoalError } from '../../../core/errors.ts'
import type { ExecCreateRequest, ExecInspect } from '../../../docker-api/index.ts'
import type { ProcessIdentity } from '../../linux/process/process-identity.ts'
import { type ContainerRecord, isRunning } from '../record.ts'

export type ExecState =
  | { readonly status: 'created' }
  | { readonly status: 'running'; readonly pid: number; readonly process: ProcessIdentity | undefined }
  | { readonly status: 'ended'; readonly exitCode: number }

/** A command to run in a container, that runs there, or that has. */
export interface Exec {
  readonly id: string
  readonly containerId: string
  readonly request: ExecCreateRequest
  readonly detachKeys: Buffer
  state: ExecState
  /** When it was created, and then when it ended; monotonic. */
  sinceMs: number
}

/** How long an exec can be inspected that has ended, or that can never start any more. */
const USELESS_KEPT_MS = 300_000
/** How long one is kept that could still be started. */
const UNSTARTED_KEPT_MS = 3_600_000

/** Whether an exec need not be remembered any more. */
export function isForgotten(exec: Exec, container: ContainerRecord | undefined, nowMs: number): boolean {
  if (container === undefined) return true
  if (exec.state.status === 'running') return false
  const canStart = exec.state.status === 'created' && isRunning(container)
  return nowMs - exec.sinceMs >= (canStart ? UNSTARTED_KEPT_MS : USELESS_KEPT_MS)
}

export function hasStarted({ id, state }: Exec): ShoalError {
  const what = state.status === 'running' ? 'is already running' : 'has already run'
  return conflict('EXEC_STARTED', `Error: Exec command ${id} ${what}`)
}

/** As Docker puts it behind the names of events: a space stands behind the program even if nothing follows. */
export function describeCommand({ Cmd }: Pick<ExecCreateRequest, 'Cmd'>): string {
  const [program = '', ...args] = Cmd
  return `${program} ${args.join(' ')}`
}

/** `GET /exec/{id}/json`. */
export function inspectExec({ id, containerId, request, detachKeys, state }: Exec): ExecInspect {
  const [entrypoint = '', ...rest] = request.Cmd
  return {
    ID: id,
    Running: state.status === 'running',
    ExitCode: state.status === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: request.Tty === true,
      entrypoint,
      arguments: rest,
      privileged: request.Privileged === true,
      ...(request.User === undefined || request.User === '' ? {} : { user: request.User }),
    },
    OpenStdin: request.AttachStdin === true,
    OpenStderr: request.AttachStderr === true,
    OpenStdout: request.AttachStdout === true,
    CanRemove: false,
    ContainerID: containerId,
    DetachKeys: request.DetachKeys === undefined ? '' : detachKeys.toString('base64'),
    Pid: state.status === 'running' ? state.pid : 0,
  }
}

/** Height and width, as clients send them. Undefined for none, and for nothing. Throws 400 for what is no size. */
export function sizeOf(pair: readonly number[] | undefined): { height: number; width: number } | undefined {
  if (pair === undefined || pair.length === 0) return undefined
  const [height = -1, width = -1] = pair
  if (pair.length !== 2 || height < 0 || width < 0) {
    throw invalidInput('BAD_CONSOLE_SIZE', 'ConsoleSize: expected the height and the width of a terminal')
  }
  return height === 0 && width === 0 ? undefined : { height, width }
}
