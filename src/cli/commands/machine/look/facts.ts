import { conflict, failed } from '../../../../core/errors.ts'
import { dockerMachineView, driverOf } from '../../../../machine/index.ts'
import { compileTemplate } from '../../../output/go-template/render.ts'
import { askAll } from '../ask-all.ts'
import { certPlacesOf } from '../certs/store-certs.ts'
import { type MachineCommand, nameOf, namesOf } from '../machine-command.ts'
import { conditionOf } from './condition.ts'
import { lookAt } from './look-at.ts'
import { engineOf } from './places.ts'
import { checkRuns } from './state.ts'

const VERSION_MS_MAX = 20_000

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
  const { url } = await engineOf(machine, command)
  command.context.stdout.write(`${url}\n`)
}

/** `machine status`: a word a line. */
export async function runStatus(command: MachineCommand): Promise<void> {
  const { context, store } = command
  const names = await namesOf(command)
  const states = await askAll(names, command, async name => conditionOf(await store.load(name), command))
  context.stdout.write(states.map(state => `${state}\n`).join(''))
}

/** `machine inspect`: what is known of a machine, as docker-machine lays it out. */
export async function runInspect(command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  const machine = await store.load(await nameOf(command))
  const format = options.text('format')
  const shown = dockerMachineView(machine, {
    root: store.root,
    folder: store.folderOf(machine.name),
    certs: certPlacesOf(command),
  })
  const text = format === undefined ? JSON.stringify(shown, undefined, 4) : compileTemplate(format)(shown)
  context.stdout.write(`${text}\n`)
}

/** `machine version`: of this program, or of a machine's engine. */
export async function runVersion(version: string, command: MachineCommand): Promise<void> {
  const { args, context, store } = command
  if (args.length === 0) return void context.stdout.write(`machine version ${version}\n`)
  const machine = await store.load(await nameOf(command))
  const look = await lookAt(machine, VERSION_MS_MAX, command)
  if (look.error !== '') throw failed('NO_ENGINE', `The engine of "${machine.name}" does not answer: ${look.error}`)
  if (look.engineVersion === '')
    throw conflict('NOT_RUNNING', `Host is not running: "${machine.name}" is ${look.state}`)
  context.stdout.write(`${look.engineVersion.slice(1)}\n`)
}
