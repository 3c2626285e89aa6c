import { readdir, readFile, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type Clock, sleep } from '../../../core/clock.ts'
import { identifyProcess, isAlive, type ProcessIdentity, sendSignal } from '../../linux/process/process-identity.ts'
import type { EnginePaths } from '../engine-paths.ts'

const CONTAINER_ID = /^[0-9a-f]{64}$/

const ROUNDS_MAX = 20
const GONE_MS_MAX = 5_000
const LOOK_AGAIN_MS = 5

/**
 * Ends the monitors and runtime commands that an engine killed in the middle of a start has left at work: they would go on
 * to make what is about to be undone. Resolves when they are gone, and what they began meanwhile too. They are known by our
 * state folder and a container's id among their arguments; the folder of that name must be ours, for an engine in a mount
 * namespace of its own may call another folder the same.
 */
export async function killOrphans(
  { runtimeState }: EnginePaths,
  adopted: ReadonlySet<string>,
  clock: Clock,
): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = await findOrphans(runtimeState, adopted)
    if (found.length === 0) return
    for (const orphan of found) sendSignal(orphan, constants.signals.SIGKILL)
    const deadlineMs = clock.monotonicMs() + GONE_MS_MAX
    while (found.some(isAlive) && clock.monotonicMs() < deadlineMs) await sleep(clock, LOOK_AGAIN_MS)
  }
}

async function findOrphans(runtimeState: string, adopted: ReadonlySet<string>): Promise<ProcessIdentity[]> {
  const ours = await folderAt(runtimeState)
  const found: ProcessIdentity[] = []
  for (const pid of await processIds()) {
    const identity = identifyProcess(pid)
    // One that has ended keeps its place until its parent asks for it.
    if (identity === undefined || !isAlive(identity)) continue
    const args = await argumentsOf(pid)
    const id = args.find(argument => CONTAINER_ID.test(argument))
    if (!args.includes(runtimeState) || id === undefined || adopted.has(id)) continue
    if (ours === undefined || (await folderAt(join(`/proc/${pid}/root`, runtimeState))) !== ours) continue
    found.push(identity)
  }
  return found
}

/** Ends the monitor and the runtime commands at work on one bundle, such as a monitor that does not answer. */
export async function killMonitors(bundle: string): Promise<void> {
  for (const pid of await processIds()) {
    const identity = identifyProcess(pid)
    const args = await argumentsOf(pid)
    const isOurs = args.some(argument => argument === bundle || argument.startsWith(`${bundle}/`))
    if (identity !== undefined && isOurs) sendSignal(identity, constants.signals.SIGKILL)
  }
}

/** Every process but this one. */
async function processIds(): Promise<number[]> {
  return (await readdir('/proc'))
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => pid !== process.pid)
}

async function argumentsOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
}

/** Tells folders apart whatever they are called; undefined if there is none. */
async function folderAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}
