import { EXIT_CODES, errorMessage, unsupported } from '../../../../core/errors.ts'
import { driverOf, hasEngine, hasOwnTls, type Machine, managerUrl } from '../../../../machine/index.ts'
import { type ListingFormat, renderListing } from '../../../output/format.ts'
import { badArgument } from '../../../usage.ts'
import { askAll } from '../ask-all.ts'
import { renewEngines } from '../certs/regenerate-certs.ts'
import { allMachines, masterOf } from '../cluster/masters.ts'
import { withManager } from '../cluster/node-verbs.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { formatOf } from './list-format.ts'

const DAY_MS = 86_400_000

/** A certificate that a daemon of a machine shows. */
interface CertRow {
  readonly machine: string
  readonly role: 'engine' | 'manager'
  readonly subject: string
  readonly issuer: string
  /** RFC 3339; empty: it is not known. */
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

/** `machine certs ls`: what the daemons of machines show, and for how long it holds. */
export async function runCertsLs(command: MachineCommand): Promise<void> {
  const { context, options } = command
  const asked = (await allMachines(command)).flatMap(placesOf)
  const rows = await askAll(asked, command, place => rowOf(place, command))
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

async function rowOf({ machine, role, url }: Place, { context, world }: MachineCommand): Promise<CertRow> {
  const { hostname, port } = new URL(url)
  const blank = { machine, role, subject: '', issuer: '', expires: '', left: '', error: '' }
  try {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const { subject, issuer, validTo } = await world.certificateOf({ host, port: Number(port) }, context)
    const untilMs = Date.parse(validTo)
    const days = Math.floor((untilMs - context.clock.nowMs()) / DAY_MS)
    const left = days < 0 ? 'expired' : `${days} days`
    return { ...blank, subject, issuer, expires: new Date(untilMs).toISOString(), left }
  } catch (error) {
    context.signal.throwIfAborted()
    return { ...blank, error: errorMessage(error) }
  }
}

/**
 * `machine certs rotate`: another certificate for the engines named. With --ca a new authority for each cluster; the old one holds beside it
 * until all have certificates of the new.
 */
export async function runCertsRotate(command: MachineCommand): Promise<number> {
  const { args, context, options, store } = command
  if (!options.flag('ca')) {
    const named = await Promise.all((args.length === 0 ? [] : await namesOf(command)).map(name => store.load(name)))
    if (named.length > 0 && named.every(hasOwnTls)) return renewEngines(named, command)
    throw unsupported(
      'RENEWS_ITSELF',
      'Certificates of members are renewed by themselves: `machine certs ls` says how long each holds; --ca renews the authority, and an engine in no cluster gets another one if it is named',
    )
  }
  if (args.length > 0) throw badArgument('--ca', args.join(' '), 'expected no machines, as it is for every cluster')
  const machines = await allMachines(command)
  const masters = machines.filter(
    machine => masterOf(machine, machines) === machine && machine.swarm?.insecure !== true,
  )
  for (const master of masters) {
    if (options.flag('dryRun')) {
      context.stdout.write(`Would renew the authority of the cluster of "${master.name}"\n`)
      continue
    }
    await withManager(master, command, manager => manager.rotateAuthority(context.signal))
    context.stdout.write(`The cluster of "${master.name}" has a new authority\n`)
    context.stderr.write(
      `Once it alone is trusted, people need new certificates: here with "machine regenerate-certs ${master.name}", elsewhere with "swarm client-cert"\n`,
    )
  }
  return EXIT_CODES.done
}
