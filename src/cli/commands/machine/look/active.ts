import { withDeadline } from '../../../../core/clock.ts'
import { failed, notFound } from '../../../../core/errors.ts'
import { driverOf, type Machine, managerUrl } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { stateOf } from './facts.ts'

const TIMEOUT_S = 10

/** `machine active`: the machine that $DOCKER_HOST points at, if it runs. */
export async function runActive(command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  const { clock, env, signal, stdout } = context
  const timeoutMs = (options.number('timeout') ?? TIMEOUT_S) * 1_000
  for (const name of await store.names()) {
    const machine = await store.load(name).catch(() => undefined)
    if (machine === undefined || !pointsAt(env['DOCKER_HOST'], machine)) continue
    const state = await withDeadline(
      inner => stateOf(machine, { store, context: { ...context, signal: inner } }),
      timeoutMs,
      {
        clock,
        signal,
        onTimeout: () => failed('TIMEOUT', 'Error getting active host: timeout'),
      },
    )
    if (state !== 'Running') break
    return void stdout.write(`${name}\n`)
  }
  throw notFound('NO_ACTIVE_HOST', 'No active host found: `machine env NAME` says how to have docker use one')
}

/** At its engine, or at the manager on it. A machine that is half made points nowhere. */
export function pointsAt(dockerHost: string | undefined, machine: Machine): boolean {
  if (dockerHost === undefined || dockerHost === '') return false
  const url = urlOf(machine)
  if (url === undefined) return false
  const { swarm } = machine
  return dockerHost === url || (swarm?.master === true && dockerHost === managerUrl(url, swarm.host))
}

function urlOf(machine: Machine): string | undefined {
  try {
    return driverOf(machine.driver).whereabouts(machine).url
  } catch {
    return undefined
  }
}
