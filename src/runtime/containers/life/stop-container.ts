import { constants } from 'node:os'
import { withDeadline } from '../../../core/clock.ts'
import { failed, ShoalError } from '../../../core/errors.ts'
import { sendSignal } from '../../linux/process/process-identity.ts'
import { parseSignal } from '../../linux/process/signals.ts'
import { cannotKill, isNotPaused, isPaused, notRunning } from '../container-errors.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { cancelRestart, watchRun } from './begin-run.ts'

const SIGKILL = constants.signals.SIGKILL
const GRACE_S_DEFAULT = 10
/** What docker's -1, for ever, comes to: the longest a timer can be set. */
const GRACE_MS_MAX = 2 ** 31 - 1
/** How long a killed container may take to be gone: the kernel has no way to refuse, only to be slow. */
const KILLED_TIMEOUT_MS = 30_000

export interface StopOptions {
  readonly timeoutMs?: number
  readonly signal?: string
}

/** Sends the stop signal, then after the grace SIGKILL. Resolves false if the container did not run. */
export async function stopContainer(room: Room, reference: string, options: StopOptions): Promise<boolean> {
  const { id, config } = room.table.get(reference)
  const signal = parseSignal(options.signal ?? (config.StopSignal || 'SIGTERM'))
  const graceMs = options.timeoutMs ?? (config.StopTimeout ?? GRACE_S_DEFAULT) * 1_000
  const ended = await signalForGood(room, id, signal)
  if (ended === undefined) return false
  if (ended !== 'was waiting') {
    const isGone = await endsWithin(room, ended, graceMs < 0 ? GRACE_MS_MAX : graceMs)
    if (!isGone) await killAndWait(room, id)
    ended.stopWaiting()
  }
  const record = room.table.find(id)
  if (record !== undefined) emitContainer(room, record, 'stop')
  return true
}

/**
 * Sends a signal. SIGKILL and the container's stop signal count as stopping it: no policy restarts it. After SIGKILL, what
 * is asked next finds it ended, as with Docker.
 */
export async function killContainer(room: Room, reference: string, signalText: string): Promise<void> {
  const { id, config } = killable(room, reference)
  const signal = parseSignal(signalText === '' ? 'SIGKILL' : signalText)
  const isFinal = signal === SIGKILL || signal === parseSignal(config.StopSignal || 'SIGTERM')
  if (isFinal) {
    const ended = await signalForGood(room, id, signal)
    if (ended === undefined) throw cannotKill(reference, `Container ${id} is not running`)
    if (ended === 'was waiting') return
    if (signal === SIGKILL) await endsWithin(room, ended, GRACE_S_DEFAULT * 1_000)
    ended.stopWaiting()
    return
  }
  await room.locks.run(id, async () => {
    const record = room.table.get(id)
    if (!isRunning(record) || !sendSignal(record.life.process, signal))
      throw cannotKill(reference, `Container ${id} is not running`)
    emitKill(room, record, signal)
  })
}

function killable(room: Room, reference: string): ContainerRecord {
  try {
    return room.table.get(reference)
  } catch (error) {
    throw error instanceof ShoalError
      ? new ShoalError(error.code, error.status, `Cannot kill container: ${reference}: ${error.message}`)
      : error
  }
}

function emitKill(room: Room, record: ContainerRecord, signal: number): void {
  emitContainer(room, record, 'kill', { signal: String(signal) })
}

export async function pauseContainer(room: Room, reference: string): Promise<void> {
  const { id } = room.table.get(reference)
  await room.locks.run(id, async () => {
    const record = room.table.get(id)
    if (!isRunning(record)) throw notRunning(id)
    const { life } = record
    if (life.paused) throw isPaused(id)
    await room.runtime.pause(id)
    await room.table.update(id, current => ({ ...current, life: { ...life, paused: true } }))
    room.health.stop(id)
    emitContainer(room, record, 'pause')
  })
}

export async function unpauseContainer(room: Room, reference: string): Promise<void> {
  const { id } = room.table.get(reference)
  if (!(await unpauseIfPaused(room, id))) throw isNotPaused(id)
}

/** Resolves false if there is nothing to let go on: it was killed or removed meanwhile, or unpaused by somebody else. */
export async function unpauseIfPaused(room: Room, id: string): Promise<boolean> {
  return room.locks.run(id, async () => {
    const record = room.table.find(id)
    if (record === undefined || !isRunning(record) || !record.life.paused) return false
    await resume(room, record)
    watchRun(room, room.table.get(id))
    emitContainer(room, record, 'unpause')
    return true
  })
}

/** Ends a container now, whatever state it is in, and waits until it has; resolves also if it did not run. */
export async function killAndWait(room: Room, id: string): Promise<void> {
  const ended = await signalForGood(room, id, SIGKILL)
  if (ended === undefined || ended === 'was waiting') return
  const isGone = await endsWithin(room, ended, KILLED_TIMEOUT_MS)
  ended.stopWaiting()
  if (!isGone) {
    throw failed(
      'KILL_FAILED',
      `Container ${id} does not end after SIGKILL: its processes wait in the kernel; try again`,
    )
  }
}

interface Ending {
  readonly exited: Promise<unknown>
  readonly stopWaiting: () => void
}

/**
 * Signals a container that shall not be restarted by its policy. The intent is written before the signal is sent, so that it
 * holds even if the engine is killed in between. Undefined if the container is not running.
 */
async function signalForGood(room: Room, id: string, signal: number): Promise<Ending | 'was waiting' | undefined> {
  return room.locks.run(id, async () => {
    const record = room.table.get(id)
    if (record.life.status === 'restarting') {
      cancelRestart(room, id)
      await room.table.update(id, current => ({ ...current, stoppedByHand: true, life: { status: 'idle' } }))
      room.waiters.tell(id, ['not-running'], record.lastRun?.exitCode ?? 0)
      room.runs.get(id)?.abort()
      room.runs.delete(id)
      return 'was waiting'
    }
    if (!isRunning(record)) return undefined
    await room.table.update(id, current => ({ ...current, stoppedByHand: true })).catch(() => {})
    const controller = new AbortController()
    const exited = room.waiters.wait(id, 'next-exit', controller.signal)
    exited.catch(() => {})
    sendSignal(record.life.process, signal)
    emitKill(room, record, signal)
    if (record.life.paused) await resume(room, record)
    return { exited, stopWaiting: () => controller.abort() }
  })
}

async function resume(room: Room, record: ContainerRecord): Promise<void> {
  await room.runtime.resume(record.id)
  await room.table.update(record.id, current =>
    isRunning(current) ? { ...current, life: { ...current.life, paused: false } } : current,
  )
}

async function endsWithin({ clock }: Room, { exited }: Ending, ms: number): Promise<boolean> {
  const late = new Error('late')
  try {
    await withDeadline(() => exited, ms, { clock, onTimeout: () => late })
    return true
  } catch (error) {
    if (error === late) return false
    throw error
  }
}
