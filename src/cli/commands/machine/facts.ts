import { conflict } from '../../../core/errors.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { driverOf, type Machine } from '../../../machine/index.ts'
import { compileTemplate } from '../../output/go-template/render.ts'
import { driverPorts } from './look-at.ts'
import { type MachineCommand, nameOf, namesOf } from './with-store.ts'

const PARALLEL = 64

/** `machine ip`: an address a line, in the order of the names. */
export async function runIp({ context, ...command }: MachineCommand): Promise<void> {
  for (const name of await namesOf(command)) {
    const machine = await command.store.load(name)
    context.stdout.write(`${driverOf(machine.driver).whereabouts(machine).address}\n`)
  }
}

/** `machine url`: where the engine of a machine that runs can be reached. */
export async function runUrl(command: MachineCommand): Promise<void> {
  const machine = await command.store.load(await nameOf(command))
  await checkRuns(machine, command)
  command.context.stdout.write(`${driverOf(machine.driver).whereabouts(machine).url}\n`)
}

/** `machine status`: a word a line. */
export async function runStatus(command: MachineCommand): Promise<void> {
  const { context, store } = command
  const names = await namesOf(command)
  const states = await mapParallel(names, PARALLEL, async name => stateOf(await store.load(name), command))
  context.stdout.write(states.map(state => `${state}\n`).join(''))
}

/** `machine inspect`: what is known of a machine. */
export async function runInspect(command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  const machine = await store.load(await nameOf(command))
  const format = options.text('format')
  const text = format === undefined ? JSON.stringify(machine, undefined, 4) : compileTemplate(format)({ ...machine })
  context.stdout.write(`${text}\n`)
}

/** Throws NOT_RUNNING. */
export async function checkRuns(machine: Machine, command: Pick<MachineCommand, 'context'>): Promise<void> {
  const state = await stateOf(machine, command)
  if (state === 'Running') return
  throw conflict('NOT_RUNNING', `Machine "${machine.name}" is not running (${state}): start it, or see \`machine ls\``)
}

function stateOf(machine: Machine, { context: { clock, signal } }: Pick<MachineCommand, 'context'>): Promise<string> {
  return driverOf(machine.driver).state(machine, driverPorts(clock), signal)
}
