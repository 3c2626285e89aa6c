import { hasEngine, type Machine } from '../../../../machine/index.ts'
import { type ListingFormat, renderListing } from '../../../output/format.ts'
import { ellipsis } from '../../../output/shorten.ts'
import { badArgument } from '../../../usage.ts'
import { askAll } from '../ask-all.ts'
import { allMachines, masterOf } from '../cluster/masters.ts'
import type { MachineCommand } from '../machine-command.ts'
import { lastFailure, unfinishedLook } from './condition.ts'
import { formatOf } from './list-format.ts'
import { lookAt, type MachineLook } from './look-at.ts'
import { type LsFilter, readLsFilters } from './ls-filters.ts'
import type { LsRow } from './ls-row.ts'
import { engineOf, managerUrlOf } from './places.ts'

const TIMEOUT_S = 10

/** An error that is longer makes lines of the table that nobody can read. */
const ERROR_CHARS_MAX = 80

const LISTING: ListingFormat<LsRow> = {
  columns: [
    { title: 'NAME', of: row => row.name },
    { title: 'ACTIVE', of: row => row.active },
    { title: 'DRIVER', of: row => row.driver },
    { title: 'STATE', of: row => row.state },
    { title: 'URL', of: row => row.url },
    { title: 'SWARM', of: row => row.swarm },
    { title: 'DOCKER', of: row => row.engineVersion },
    { title: 'ERRORS', of: briefError },
  ],
  record: row => ({
    Name: row.name,
    Active: row.active,
    ActiveHost: row.active === '*',
    ActiveSwarm: row.active === '* (swarm)',
    DriverName: row.driver,
    State: row.state,
    URL: row.url,
    Swarm: row.swarm,
    Error: row.error,
    DockerVersion: row.engineVersion,
    ResponseTime: `${Math.round(row.responseMs)}ms`,
    Labels: row.labels,
  }),
  id: row => row.name,
  titles: { DriverName: 'DRIVER', DockerVersion: 'DOCKER', Error: 'ERRORS' },
}

/** What fits a line of the table; templates and JSON have all of it, and the doctor, too. */
function briefError({ name, error, brief }: LsRow): string {
  if (brief !== undefined) return brief
  const line = error.replaceAll(/\s+/g, ' ')
  if (line.length <= ERROR_CHARS_MAX) return line
  const where = ` see \`machine doctor ${name}\``
  return `${ellipsis(line, ERROR_CHARS_MAX - where.length)}${where}`
}

/** `machine ls`: all machines, each asked how it is. */
export async function runLs(command: MachineCommand): Promise<void> {
  const { options, context, store } = command
  const filters = readLsFilters(options.list('filter'))
  const timeoutS = options.number('timeout') ?? TIMEOUT_S
  if (timeoutS <= 0) throw badArgument('-t, --timeout <seconds>', String(timeoutS), 'expected more than nothing')
  const names = await store.names()
  const asking = { filters, timeoutMs: timeoutS * 1_000, machines: await allMachines(command) }
  const rows = await askAll(names, command, name => rowOf(name, command, asking))
  const shown = rows.filter(row => row !== undefined).filter(row => filters.every(filter => filter.passes(row)))
  context.stdout.write(renderListing(shown, LISTING, { format: formatOf(options), quiet: options.flag('quiet') }))
}

interface Asking {
  readonly filters: readonly LsFilter[]
  readonly timeoutMs: number
  /** Whose clusters machines may be in. */
  readonly machines: readonly Machine[]
}

/** Undefined if a filter leaves it out, whatever it answers: then it is not asked. */
async function rowOf(name: string, command: MachineCommand, asking: Asking): Promise<LsRow | undefined> {
  try {
    return await rowOfReadable(await command.store.load(name), command, asking)
  } catch (error) {
    command.context.signal.throwIfAborted()
    return unreadable(name, error)
  }
}

async function rowOfReadable(
  machine: Machine,
  command: MachineCommand,
  { filters, timeoutMs, machines }: Asking,
): Promise<LsRow | undefined> {
  const { name } = machine
  const { options } = command
  const { env } = command.context
  const known = { name, driver: machine.driver, labels: machine.engine.labels, swarm: swarmOf(machine, machines) }
  if (filters.some(filter => filter.leavesOut(known))) return undefined
  const needsState = !options.flag('quiet') || filters.some(filter => filter.needsState)
  if (!needsState) return { ...known, ...NOT_ASKED, url: '', active: '-' }
  const unfinished = await unfinishedLook(machine, command)
  if (unfinished !== undefined) return { ...known, ...unfinished, url: '', active: '-' }
  const url = hasEngine(machine) ? (await engineOf(machine, command)).url : (managerUrlOf(machine) ?? '')
  const look = await seen(machine, timeoutMs, command)
  return {
    ...known,
    ...look,
    url: look.state === 'Running' ? url : '',
    active: activeOf(machine, url, env['DOCKER_HOST']),
  }
}

const NOT_ASKED: MachineLook = { state: 'Running', engineVersion: '', error: '', responseMs: 0 }

/** What it answers, and what people must know besides. */
async function seen(machine: Machine, timeoutMs: number, command: MachineCommand): Promise<MachineLook> {
  const look = await lookAt(machine, timeoutMs, command)
  const told = [look.error, await lastFailure(machine, command)].filter(text => text !== '')
  return { ...look, error: told.join('; ') }
}

function unreadable(name: string, error: unknown): LsRow {
  return {
    name,
    driver: 'not found',
    url: '',
    active: '-',
    swarm: '',
    labels: {},
    state: 'Error',
    engineVersion: 'Unknown',
    error: error instanceof Error ? error.message : String(error),
    responseMs: 0,
  }
}

/** Of which machine's cluster it is; of one that others made, where its store is. */
function swarmOf(machine: Machine, machines: readonly Machine[]): string {
  const { name, swarm } = machine
  if (swarm === undefined) return ''
  return swarm.master ? `${name} (master)` : (masterOf(machine, machines)?.name ?? swarm.discovery)
}

function activeOf(machine: Machine, url: string, dockerHost: string | undefined): string {
  if (dockerHost === undefined || dockerHost === '') return '-'
  if (dockerHost === managerUrlOf(machine)) return '* (swarm)'
  return dockerHost === url ? '*' : '-'
}
