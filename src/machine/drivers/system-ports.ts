import { connect, type Socket } from 'node:net'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, unavailable } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { MachineStore } from '../store/machine-store.ts'
import type { DriverPorts } from './driver.ts'

const DIAL_MS_MAX = 15_000
/** What an SSH server says first (RFC 4253, section 4.2). */
const GREETING = 'SSH-'

interface World extends Pick<DriverPorts, 'env' | 'report'> {
  readonly clock: Clock
  readonly random: Random
}

/** What a driver uses of this host for one machine of a store. */
export function driverPorts(store: MachineStore, name: string, world: World): DriverPorts {
  return {
    ...world,
    request: fetch,
    isReachable: (host, port, signal) => answers(signal, inner => dial(host, port, inner), { host, port, ...world }),
    greetsBySsh: (host, port, signal) => answers(signal, inner => hearSsh(host, port, inner), { host, port, ...world }),
    folder: store.folderOf(name),
    cacheFolder: store.cacheFolder,
    cacheExclusively: (what, work, wait) => store.cacheExclusively(what, work, wait),
    remember: async made => store.save({ ...(await store.load(name)), made }),
  }
}

interface Dialled {
  readonly host: string
  readonly port: number
  readonly clock: Clock
}

/** Throws NO_ANSWER for a name that nobody knows. */
async function answers(
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<boolean>,
  { host, port, clock }: Dialled,
): Promise<boolean> {
  try {
    return await withDeadline(ask, DIAL_MS_MAX, {
      clock,
      signal,
      onTimeout: () => unavailable('NO_ANSWER', `${host}:${port} does not answer`),
    })
  } catch (error) {
    signal.throwIfAborted()
    if (errorCode(error) === 'ENOTFOUND') throw unavailable('NO_ANSWER', `Nobody knows a host called ${host}`)
    return false
  }
}

async function dial(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const socket = await dialled(host, port, signal)
  socket.destroy()
  return true
}

async function hearSsh(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const socket = await dialled(host, port, signal)
  try {
    for await (const chunk of socket) return String(chunk).startsWith(GREETING)
    return false
  } finally {
    socket.destroy()
  }
}

function dialled(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const stop = (): void => void socket.destroy(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    socket.once('close', () => signal.removeEventListener('abort', stop))
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}
