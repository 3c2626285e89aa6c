import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, withDeadline } from '../../../../core/clock.ts'
import { errorCode, errorMessage, unavailable } from '../../../../core/errors.ts'
import { type ClientTls, createDockerClient } from '../../../../docker-api/index.ts'
import { type Driver, type DriverPorts, driverOf, type Machine, type MachineState } from '../../../../machine/index.ts'

/** What a machine does now. */
export interface MachineLook {
  readonly state: MachineState
  /** `v20.10.24`; empty: it was not asked. */
  readonly engineVersion: string
  /** Why something of it is not known; empty: all is. */
  readonly error: string
  readonly responseMs: number
}

interface LookOptions {
  readonly clock: Clock
  readonly ports: DriverPorts
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** The machine's folder, where its certificates are. */
  readonly folder: string
}

/** Asks a machine how it is. Never rejects but when cancelled: one that is ill must not hide the others. */
export async function lookAt(machine: Machine, options: LookOptions): Promise<MachineLook> {
  const { clock, timeoutMs, signal } = options
  const beganMs = clock.monotonicMs()
  const look = (state: MachineState, rest: Partial<MachineLook> = {}): MachineLook => ({
    state,
    engineVersion: '',
    error: '',
    responseMs: clock.monotonicMs() - beganMs,
    ...rest,
  })
  try {
    return await withDeadline(inner => ask(machine, look, { ...options, signal: inner }), timeoutMs, {
      clock,
      signal,
      onTimeout: () => unavailable('TIMEOUT', 'timed out'),
    })
  } catch (error) {
    signal.throwIfAborted()
    if (errorCode(error) === 'TIMEOUT') return look('Timeout')
    return look('Error', { error: errorMessage(error) })
  }
}

async function ask(
  machine: Machine,
  look: (state: MachineState, rest?: Partial<MachineLook>) => MachineLook,
  { clock, ports, signal, folder }: LookOptions,
): Promise<MachineLook> {
  const driver: Driver = driverOf(machine.driver)
  const state = await driver.state(machine, ports, signal)
  if (state !== 'Running') return look(state)
  try {
    const client = createDockerClient(driver.whereabouts(machine).url, { clock, tls: await readCertificates(folder) })
    try {
      return look(state, { engineVersion: `v${(await client.version()).Version}` })
    } finally {
      client.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    return look(state, { engineVersion: 'Unknown', error: errorMessage(error) })
  }
}

/** What the machine's engine is asked with; undefined: it has no certificates. */
export async function readCertificates(folder: string): Promise<ClientTls | undefined> {
  const read = (name: string): Promise<Buffer | undefined> => readFile(join(folder, name)).catch(() => undefined)
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')])
  if (ca === undefined || cert === undefined || key === undefined) return undefined
  return { ca, cert, key, verify: true }
}
