import { invalidInput } from '../../../../core/errors.ts'
import { type Machine, shellOf, shellText, type Variables } from '../../../../machine/index.ts'
import type { Environment } from '../../../command.ts'
import { refreshAccess } from '../certs/engine-access.ts'
import { type MachineCommand, nameOf } from '../machine-command.ts'
import { engineOf, managerPlaceOf, type Place } from './places.ts'
import { checkRuns } from './state.ts'

/** The variables of docker's command line, in the order in which they are printed. */
const NAMES = ['DOCKER_TLS_VERIFY', 'DOCKER_HOST', 'DOCKER_CERT_PATH', 'DOCKER_MACHINE_NAME'] as const

/** `machine env`: what a shell reads to have docker speak to a machine. */
export async function runEnv(command: MachineCommand): Promise<void> {
  const { args, context, options } = command
  const shell = options.text('shell') ?? shellOf(context.env['SHELL'])
  if (options.flag('unset') && args.length > 0) {
    throw invalidInput('BAD_FLAG', 'Expected no machine name when the -u flag is present')
  }
  const variables = options.flag('unset') ? unsetVariables(command) : await setVariables(command)
  context.stdout.write(shellText(shell, variables, typed(command, shell)))
}

/** `machine config`: the same as flags of docker. */
export async function runConfig(command: MachineCommand): Promise<void> {
  const { context, store } = command
  const machine = await store.load(await nameOf(command))
  await checkRuns(machine, command)
  const { url, certificates } = await placeOf(machine, command)
  const files = [
    ['tlscacert', 'ca.pem'],
    ['tlscert', 'cert.pem'],
    ['tlskey', 'key.pem'],
  ]
  const tls = files.map(([flag, file]) => `--${flag}="${certificates}/${file}"`)
  const lines = [...(certificates === undefined ? [] : ['--tlsverify', ...tls]), `-H=${url}`]
  context.stdout.write(lines.map(line => `${line}\n`).join(''))
}

async function setVariables(command: MachineCommand): Promise<Variables> {
  const { context, options, store } = command
  const machine = await store.load(await nameOf(command))
  await checkRuns(machine, command)
  const { url, certificates } = await placeOf(machine, command)
  // Who shows no certificate says so: a variable of the machine before must not stay.
  const values = [certificates === undefined ? undefined : '1', url, certificates, machine.name]
  const variables = NAMES.map((name, index) => [name, values[index]] as const)
  if (options.choice('proxy') !== false) return variables
  const { hostname: address } = new URL(url)
  return [...variables, withoutProxy(context.env, list => (list.includes(address) ? list : [...list, address]))]
}

function unsetVariables({ context, options }: MachineCommand): Variables {
  const variables = NAMES.map(name => [name, undefined] as const)
  if (options.choice('proxy') !== false) return variables
  return [...variables, withoutProxy(context.env, list => list)]
}

/** The list of hosts that are reached without a proxy, under the name by which the shell has it. */
function withoutProxy(env: Environment, change: (list: readonly string[]) => readonly string[]): Variables[number] {
  const name = env['no_proxy'] === undefined ? 'NO_PROXY' : 'no_proxy'
  const list = (env[name] ?? '').split(',').filter(host => host !== '')
  return [name, change(list).join(',')]
}

/** Of the machine's engine, or with `--swarm` of the manager on it. */
async function placeOf(machine: Machine, command: MachineCommand): Promise<Place> {
  if (command.options.flag('swarm')) return managerPlaceOf(machine, command)
  await refreshAccess(machine, command)
  return engineOf(machine, command)
}

/** The command line that prints this again, for the hint below it. */
function typed({ args, options }: MachineCommand, shell: string): string {
  const flags = [
    ...['swarm', 'unset'].filter(flag => options.flag(flag)).map(flag => `--${flag}`),
    ...(options.choice('proxy') === false ? ['--no-proxy'] : []),
  ]
  const asked = options.text('shell') === undefined ? [] : ['--shell', shell]
  return ['machine env', ...asked, ...flags, ...args].join(' ')
}
