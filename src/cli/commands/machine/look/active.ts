import { withDeadline } from '../../../../core/clock.ts'
import { failed, notFound } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { engineOf, managerUrlOf } from './places.ts'
import { stateOf } from './state.ts'

const TIMEOUT_S = 10

/** `machine active`: the machine that $DOCKER_HOST points at, if it runs. */
export async function runActive(command: MachineCommand): Promise<void> {
  const { context, options, store, world } = command
  const { clock, env, signal, stdout } = context
  const timeoutMs = (options.number('timeout') ?? TIMEOUT_S) * 1_000
  for (const name of await store.names()) {
    const machine = await store.load(name).catch(() => undefined)
    if (machine === undefined || !(await pointsAt(env['DOCKER_HOST'], machine, command))) continue
    const state = await withDeadline(
      inner => stateOf(machine, { store, world, context: { ...context, signal: inner } }),
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
async function pointsAt(dockerHost: string | undefined, machine: Machine, command: MachineCommand): Promise<boolean> {
  if (dockerHost === undefined || dockerHost === '') return false
  try {
    return dockerHost === managerUrlOf(machine) || dockerHost === (await engineOf(machine, command)).url
  } catch {
    return false
  }
}
