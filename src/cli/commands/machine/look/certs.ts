import { errorMessage } from '../../../../core/errors.ts'
import { driverOf, hasEngine, hasOwnTls, type Machine, managerUrl } from '../../../../machine/index.ts'
import { type ListingFormat, renderListing } from '../../../output/format.ts'
import { askAll } from '../ask-all.ts'
import { allMachines, secureMasters } from '../cluster/masters.ts'
import { withManager } from '../cluster/node-verbs.ts'
import type { MachineCommand } from '../machine-command.ts'
import { formatOf } from './list-format.ts'

const DAY_MS = 86_400_000

/** A certificate that a daemon of a machine shows, or that a person has of the cluster of a master. */
interface CertRow {
  readonly machine: string
  readonly role: 'engine' | 'manager' | 'client'
  readonly subject: string
  /** Empty, as the next: it is not known. */
  readonly issuer: string
  /** RFC 3339. */
  readonly expires: string
  readonly left: string
  readonly error: string
}

const LISTING: ListingFormat<CertRow> = {
  columns: [
    { title: 'NAME', of: row => row.machine },
    { title: 'ROLE', of: row => row.role },
    { title: 'SUBJECT', of: row => row.subject },
    { title: 'ISSUER', of: row => row.issuer },
    { title: 'EXPIRES', of: row => row.expires },
    { title: 'LEFT', of: row => row.left },
    { title: 'ERROR', of: row => row.error },
  ],
  record: row => ({
    Name: row.machine,
    Role: row.role,
    Subject: row.subject,
    Issuer: row.issuer,
    Expires: row.expires,
    Left: row.left,
    Error: row.error,
  }),
  id: row => row.machine,
}

/** `machine certs ls`: what the daemons of machines show, what people have of their clusters, and for how long it holds. */
export async function runCertsLs(command: MachineCommand): Promise<void> {
  const { context, options } = command
  const machines = await allMachines(command)
  const daemons = machines.flatMap(placesOf).map(place => async () => [await rowOf(place, command)])
  const people = secureMasters(machines).map(master => () => peopleOf(master, command))
  const rows = (await askAll([...daemons, ...people], command, look => look())).flat()
  context.stdout.write(renderListing(rows, LISTING, { format: formatOf(options) }))
}

interface Place {
  readonly machine: string
  readonly role: CertRow['role']
  readonly url: string
}

/** Engines of clusters with certificates, and their managers. Of a machine that is half made there are none. */
function placesOf(machine: Machine): readonly Place[] {
  const { name, swarm } = machine
  if (swarm?.insecure === true || (swarm === undefined && !hasOwnTls(machine) && machine.driver !== 'none')) return []
  let url: string
  try {
    ;({ url } = driverOf(machine.driver).whereabouts(machine))
  } catch {
    return []
  }
  if (!url.startsWith('tcp:')) return []
  const engine: Place = { machine: name, role: 'engine', url }
  const engines = hasEngine(machine) ? [engine] : []
  return swarm?.master === true
    ? [...engines, { machine: name, role: 'manager', url: managerUrl(url, swarm.host) }]
    : engines
}

const BLANK = { subject: '', issuer: '', expires: '', left: '', error: '' }

function lifeOf(untilMs: number, { clock }: MachineCommand['context']): Pick<CertRow, 'expires' | 'left'> {
  const days = Math.floor((untilMs - clock.nowMs()) / DAY_MS)
  return { expires: new Date(untilMs).toISOString(), left: days < 0 ? 'expired' : `${days} days` }
}

/** Asked of the manager on its own host, which lists them. */
async function peopleOf(master: Machine, command: MachineCommand): Promise<readonly CertRow[]> {
  const { context } = command
  const blank = { ...BLANK, machine: master.name, role: 'client' } as const
  try {
    const owners = await withManager(master, command, manager => manager.certificates(context.signal))
    const people = owners.filter(({ role }) => role === 'client')
    return people.map(({ name, expires }) => ({ ...blank, subject: name, ...lifeOf(Date.parse(expires), context) }))
  } catch (error) {
    context.signal.throwIfAborted()
    return [{ ...blank, error: errorMessage(error) }]
  }
}

async function rowOf({ machine, role, url }: Place, { context, world }: MachineCommand): Promise<CertRow> {
  const { hostname, port } = new URL(url)
  const blank = { ...BLANK, machine, role }
  try {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const { subject, issuer, validTo } = await world.certificateOf({ host, port: Number(port) }, context)
    return { ...blank, subject, issuer, ...lifeOf(Date.parse(validTo), context) }
  } catch (error) {
    context.signal.throwIfAborted()
    return { ...blank, error: errorMessage(error) }
  }
}
