import { connect } from 'node:net'
import { join } from 'node:path'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, unavailable } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { MachineStore } from '../store/machine-store.ts'
import type { DriverPorts } from './driver.ts'

const DIAL_MS_MAX = 15_000

interface World extends Pick<DriverPorts, 'env' | 'report'> {
  readonly clock: Clock
  readonly random: Random
}

/** What a driver uses of this host for one machine of a store. */
export function driverPorts(store: MachineStore, name: string, world: World): DriverPorts {
  return {
    ...world,
    request: fetch,
    isReachable: (host, port, signal) => isReachable(host, port, { clock: world.clock, signal }),
    folder: store.folderOf(name),
    cacheFolder: join(store.root, 'cache'),
    remember: async made => store.save({ ...(await store.load(name)), made }),
  }
}

/** Throws NO_ANSWER for a name that nobody knows. */
async function isReachable(
  host: string,
  port: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await withDeadline(inner => dial(host, port, inner), DIAL_MS_MAX, {
      clock,
      signal,
      onTimeout: () => unavailable('NO_ANSWER', `${host}:${port} does not answer`),
    })
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (errorCode(error) === 'ENOTFOUND') throw unavailable('NO_ANSWER', `Nobody knows a host called ${host}`)
    return false
  }
}

function dial(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const stop = (): void => void socket.destroy(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
