import { EXIT_CODES, errorMessage } from '../../../../core/errors.ts'
import { driverOf, hasEngine, hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { renderTable } from '../../../output/table.ts'
import { sudoPasswordOf } from '../ask/sudo-password.ts'
import { askAll } from '../ask-all.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { portsFor, requestFor } from '../make/provision.ts'
import { lastFailure, unfinishedLook } from './condition.ts'
import { lookAt } from './look-at.ts'

const ASK_MS_MAX = 20_000

/** What was found of one thing of one machine. */
interface Finding {
  readonly machine: string
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'problem'
  readonly message: string
}

const COLUMNS = [
  { title: 'NAME', of: (finding: Finding) => finding.machine },
  { title: 'CHECK', of: (finding: Finding) => finding.check },
  { title: 'VERDICT', of: (finding: Finding) => finding.verdict },
  { title: 'MESSAGE', of: (finding: Finding) => finding.message },
]

/** `machine doctor`: looks at all that a machine needs, changes nothing, and says what to do. Exit code 1 if something is wrong. */
export async function runDoctor(command: MachineCommand): Promise<number> {
  const { args, context, options, store } = command
  const names = args.length === 0 ? await store.names() : await namesOf(command)
  const findings = (await askAll(names, command, name => examine(name, command))).flat()
  const text = options.flag('json')
    ? findings.map(finding => `${JSON.stringify(finding)}\n`).join('')
    : renderTable(COLUMNS, findings)
  context.stdout.write(text)
  return findings.some(({ verdict }) => verdict === 'problem') ? EXIT_CODES.failed : EXIT_CODES.done
}

async function examine(name: string, command: MachineCommand): Promise<readonly Finding[]> {
  const { context, store } = command
  try {
    const machine = await store.load(name)
    const found = [...(await examineRecord(machine, command)), ...(await examineHost(machine, command))]
    // Its engine would be looked for the same way, and be missed again after as long.
    const isOutOfReach = found.some(({ check, verdict }) => check === 'connect' && verdict === 'problem')
    return isOutOfReach && !hasOwnTls(machine) ? found : [...found, ...(await examineEngine(machine, command))]
  } catch (error) {
    context.signal.throwIfAborted()
    return [{ machine: name, check: 'record', verdict: 'problem', message: errorMessage(error) }]
  }
}

/** How its making, or what was last done to it, ended. */
async function examineRecord(machine: Machine, command: MachineCommand): Promise<readonly Finding[]> {
  const unfinished = await unfinishedLook(machine, command)
  const message = unfinished?.error ?? (await lastFailure(machine, command))
  if (message === '') return []
  const verdict = unfinished === undefined ? 'warning' : 'problem'
  return [{ machine: machine.name, check: 'provisioning', verdict, message }]
}

/** The steps of provisioning that only look. */
async function examineHost(machine: Machine, command: MachineCommand): Promise<readonly Finding[]> {
  const { name } = machine
  const { ssh } = driverOf(machine.driver).whereabouts(machine)
  if (ssh === undefined) return []
  const changes: string[] = []
  const request = await requestFor(machine, command)
  const result = await command.world.hosts.provision(
    request,
    {
      dryRun: true,
      lockWaitMs: 0,
      ...sudoPasswordOf(machine, command),
      signal: command.context.signal,
      onEvent: ({ event, message }) => void (event === 'change' && changes.push(message)),
    },
    portsFor(command),
  )
  const warnings = result.warnings.map(
    (message): Finding => ({ machine: name, check: 'host', verdict: 'warning', message }),
  )
  if (result.failed !== undefined) {
    const { step, error } = result.failed
    return [...warnings, { machine: name, check: step, verdict: 'problem', message: error.message }]
  }
  const isDone = changes.length === 0
  const message = isDone ? 'as it should be' : `run \`machine provision ${name}\`: ${changes.join('; ')}`
  return [...warnings, { machine: name, check: 'host', verdict: isDone ? 'ok' : 'warning', message }]
}

async function examineEngine(machine: Machine, command: MachineCommand): Promise<readonly Finding[]> {
  const { name, driver, swarm } = machine
  // Of one that is reached over SSH alone the host was looked at.
  if (driver !== 'none' && swarm === undefined && !hasOwnTls(machine)) return []
  const check = hasEngine(machine) ? 'engine' : 'manager'
  const { state, engineVersion, error } = await lookAt(machine, ASK_MS_MAX, command)
  if (error !== '' || state !== 'Running') {
    return [{ machine: name, check, verdict: 'problem', message: error === '' ? `it is ${state}` : error }]
  }
  return [{ machine: name, check, verdict: 'ok', message: engineVersion }]
}
