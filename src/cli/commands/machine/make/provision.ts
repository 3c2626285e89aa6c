import { EXIT_CODES, errorMessage, invalidInput } from '../../../../core/errors.ts'
import {
  driverOf,
  hasBegun,
  hasEngine,
  hasOwnTls,
  type Machine,
  managerUrl,
  type PeerAccess,
  type ProvisionOptions,
  type ProvisionPorts,
  type ProvisionRequest,
  type ProvisionResult,
  readProvisionRecord,
  type SshTarget,
  STEP_NAMES,
  type StepName,
  type Transport,
  type TrustFiles,
} from '../../../../machine/index.ts'
import { sudoPasswordOf } from '../ask/sudo-password.ts'
import { readKnownAuthority } from '../certs/client-files.ts'
import { openAccess } from '../certs/engine-access.ts'
import { storeCerts } from '../certs/store-certs.ts'
import { askInTurn } from '../cluster/ask-in-turn.ts'
import { allMachines, keepsStore, managerOf, managersOf, masterOf } from '../cluster/masters.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import type { MachineCommand } from '../machine-command.ts'
import { connectMachine } from '../run/reach.ts'
import type { Reporter } from './reporter.ts'
import { mayHaveChanged } from './watch-steps.ts'

/** Takes a machine from a bare host to a member of its cluster. Resolves with the exit code; of what failed it was told. */
export async function provision(
  machine: Machine,
  command: MachineCommand,
  reporter: Reporter,
  { isSignedAnew = false }: Renewal = {},
): Promise<number> {
  const { url, ssh } = driverOf(machine.driver).whereabouts(machine)
  if (ssh === undefined) {
    reporter.conclude({ machine: machine.name, ok: true, message: `Ready at ${url}` })
    return EXIT_CODES.done
  }
  const options = provisionOptions(machine, command, reporter)
  if (options.until === 'resolve' || options.until === 'connect') {
    // Nothing is brought there, so that nothing is packed for it.
    await (await connectTo(machine, ssh, command)).close()
    reporter.conclude({ machine: machine.name, ok: true, message: 'Lets us in; nothing was done to it' })
    return EXIT_CODES.done
  }
  const request = await requestFor(machine, command, reporter, { isSignedAnew })
  const done = await command.world.hosts.provision(request, options, portsFor(command))
  const result = !endsEarly(command) && options.dryRun !== true ? await withAccess(done, request, command) : done
  if (result.ok && request.certifier?.isLeft() === true) {
    reporter.say(
      machine.name,
      `its engine's certificate is of the authority of whoever handed it on, and was left: \`machine regenerate-certs ${machine.name}\` makes one of yours, which locks them out`,
    )
  }
  conclude(result, machine, { command, reporter })
  return result.exitCode
}

/** Whether `--until` has provisioning end before all is done. */
export function endsEarly({ options }: Pick<MachineCommand, 'options'>): boolean {
  const until = options.text('until')
  return until !== undefined && until !== 'verify'
}

interface Renewal {
  /** Its engine gets another certificate, whatever the one that it has. */
  readonly isSignedAnew?: boolean
}

/** And the person is let in by an engine that serves by itself: one that is out of reach is of no use. */
async function withAccess(
  result: ProvisionResult,
  { certifier, machine }: ProvisionRequest,
  command: MachineCommand,
): Promise<ProvisionResult> {
  if (!result.ok || !hasOwnTls(machine)) return result
  try {
    await openAccess(machine, command, certifier?.isLeft() === true)
    return result
  } catch (cause) {
    command.context.signal.throwIfAborted()
    const error = cause instanceof Error ? cause : new Error(errorMessage(cause))
    return { ...result, ok: false, exitCode: exitCodeOfMachine(error), failed: { step: 'verify', error } }
  }
}

/** What provisioning is to know of a machine; without a reporter to look at it only. Throws INSECURE_CLUSTER. */
export async function requestFor(
  machine: Machine,
  command: MachineCommand,
  reporter?: Reporter,
  { isSignedAnew = false }: Renewal = {},
): Promise<ProvisionRequest> {
  const request = await bareRequest(machine, command)
  if (hasOwnTls(machine)) {
    const known = await readKnownAuthority(command.store.folderOf(machine.name))
    return { ...request, certifier: await storeCerts(command).certifier({ isForced: isSignedAnew, known }) }
  }
  const trust = await trustFor(machine, command, reporter)
  const peer = reporter === undefined ? undefined : await peerOf(machine, command, reporter)
  return { ...request, ...(trust === undefined ? {} : { trust }), ...(peer === undefined ? {} : { peer }) }
}

/** The node beside its cluster's store, as one with which it is to share networks. */
async function peerOf(machine: Machine, command: MachineCommand, reporter: Reporter): Promise<PeerAccess | undefined> {
  const master = masterOf(machine, await allMachines(command))
  if (master === undefined || master.name === machine.name || !(machine.swarm?.agent && master.swarm?.agent))
    return undefined
  if (driverOf(master.driver).whereabouts(master).ssh === undefined) return undefined
  const { address, target, connect } = await bareRequest(master, command)
  return {
    name: master.name,
    address,
    user: target.user,
    connect,
    ...sudoPasswordOf(master, command, reporter.pausing),
  }
}

/** The same, for what needs no certificates. */
export async function bareRequest(machine: Machine, command: MachineCommand): Promise<ProvisionRequest> {
  const { store, world } = command
  const { address, url, ssh } = driverOf(machine.driver).whereabouts(machine)
  if (ssh === undefined) throw invalidInput('NO_SSH', `Machine "${machine.name}" has no SSH: only its URL is known`)
  const connect = (): Promise<Transport> => connectTo(machine, ssh, command)
  return { machine, address, url, target: ssh, bundle: await world.bundle(store), connect }
}

function connectTo(machine: Machine, { hostKey }: SshTarget, command: MachineCommand): Promise<Transport> {
  const { options } = command
  const expectedKey = options.text('hostKey')
  return connectMachine(machine, command, {
    // Of a server that a cloud has just made nobody can know the key; from then on it is pinned.
    acceptNew: options.flag('acceptNew') || (machine.made !== undefined && hostKey === undefined),
    isOnlyLook: options.flag('dryRun'),
    ...(expectedKey === undefined ? {} : { expectedKey }),
  })
}

export function portsFor({ context: { clock, random }, store, world }: MachineCommand): ProvisionPorts {
  return { clock, random, store, files: world.files }
}

/** How a member gets its certificate: by a token of the manager's, which is only made where one is needed. */
async function trustFor(
  machine: Machine,
  command: MachineCommand,
  reporter: Reporter | undefined,
): Promise<TrustFiles | undefined> {
  if (machine.swarm === undefined || machine.swarm.insecure === true) return undefined
  if (keepsStore(machine)) return { managers: [managerOf(machine)] }
  const all = managersOf(machine, await allMachines(command))
  const others = all.filter(({ name }) => name !== machine.name)
  // The last manager of a cluster asks itself, but one that was never in it has nobody to ask.
  const isAlone = others.length === 0 && all.length > 0 && (await isBegun(machine, command))
  if (others.length === 0 && !isAlone) {
    throw invalidInput(
      'INSECURE_CLUSTER',
      `Nobody here can sign certificates for ${machine.swarm.discovery}: add --insecure if its network is to be trusted`,
    )
  }
  const managers = (isAlone ? all : others).map(managerOf)
  if (isAlone || reporter === undefined) return { managers }
  const role = machine.swarm.master ? 'manager' : 'node'
  return {
    managers,
    newToken: signal =>
      askInTurn(others, signal, async master => {
        // The master is only visited: told as its own, its steps would seem to end nowhere.
        reporter.say(machine.name, `gets a join token from the manager on "${master.name}"`)
        const options = { ...provisionOptions(master, command, reporter), signal, onEvent() {} }
        return command.world.hosts.createToken(role, await bareRequest(master, command), options, portsFor(command))
      }),
  }
}

/** Something was done to its host. */
async function isBegun({ name }: Machine, { store }: MachineCommand): Promise<boolean> {
  const record = await readProvisionRecord(store.folderOf(name))
  return record !== undefined && hasBegun(record)
}

/** Flags of the command line as provisioning takes them. Throws BAD_FLAG for a step that there is none. */
export function provisionOptions(
  machine: Machine,
  { context, options, questions }: MachineCommand,
  reporter: Reporter,
): ProvisionOptions {
  const [from, until] = ['from', 'until'].map(flag => readStep(flag, options.text(flag)))
  const packageDirectory = options.text('packages')
  const isAsked = context.stdin.isTTY === true && !options.flag('yes') && !options.flag('json')
  return {
    signal: context.signal,
    onEvent: reporter.event,
    dryRun: options.flag('dryRun'),
    rollback: options.flag('rollback'),
    offline: options.flag('offline'),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(packageDirectory === undefined ? {} : { packageDirectory }),
    ...sudoPasswordOf(machine, { options, questions }, reporter.pausing),
    ...(isAsked
      ? {
          confirm: () =>
            reporter.pausing(async () =>
              Boolean(await questions.yesOrNo(`Go on with "${machine.name}"?`, context.stderr)),
            ),
        }
      : {}),
  }
}

function readStep(flag: string, text: string | undefined): StepName | undefined {
  const step = STEP_NAMES.find(name => name === text)
  if (text === undefined || step !== undefined) return step
  throw invalidInput('BAD_FLAG', `invalid argument "${text}" for --${flag}: expected one of ${STEP_NAMES.join(', ')}`)
}

interface Telling {
  readonly command: MachineCommand
  readonly reporter: Reporter
}

/** Tells how the provisioning of a machine ended. */
export function conclude(result: ProvisionResult, machine: Machine, { command, reporter }: Telling): void {
  const { ok, changed, planned, warnings, failed, exitCode, durationMs } = result
  const isDry = command.options.flag('dryRun')
  const message = ok
    ? isDry
      ? wouldBe(planned)
      : endsEarly(command)
        ? preparedTo(command.options.text('until') ?? '', result)
        : `Ready${changed.length === 0 ? ', nothing was to be done' : ''} (${useOf(machine)})`
    : `Failed at ${failed?.step ?? 'the end'}: ${failed?.error.message ?? ''}${howToGoOn(result)}`
  const isChange = (isDry ? planned : changed.length) > 0
  const data = { changed, planned, warnings, exitCode, durationMs }
  reporter.conclude({ machine: machine.name, ok, message, isChange, data })
}

/** How far it was prepared, as nothing may run there yet. */
function preparedTo(until: string, { changed, machine }: ProvisionResult): string {
  const done = STEP_NAMES.some(step => step === until && mayHaveChanged(step))
    ? `Prepared up to ${until}${changed.length === 0 ? ', nothing was to be done' : ''}`
    : `Looked at up to ${until}, nothing was done to it`
  return `${done}; go on with \`machine provision ${machine}\``
}

/** Of what was refused before anything was done there is nothing to go on with. */
function howToGoOn({ changed: [first], failed, takenBack }: ProvisionResult): string {
  if (failed === undefined || !mayHaveChanged(failed.step)) return ''
  if (takenBack === undefined || first === undefined) return `; run it again to go on from ${failed.step}`
  if (takenBack === 'all') return `; what was done is taken back, run it again to begin at ${first}`
  return '; not all that was done could be taken back, run it again to go on with what is left'
}

function wouldBe(planned: number): string {
  if (planned === 0) return 'Is as it should be, nothing would be changed'
  return `Would be changed (${planned === 1 ? '1 change' : `${planned} changes`}); nothing was done`
}

/** What gives a person's docker what the machine serves: its address, where that is all docker needs, else what to type. */
function useOf(machine: Machine): string {
  const { name, swarm } = machine
  if (swarm?.insecure !== true) return `machine env ${swarm?.master === true ? '--swarm ' : ''}${name}`
  const { url } = driverOf(machine.driver).whereabouts(machine)
  return hasEngine(machine) ? url : managerUrl(url, swarm.host)
}
