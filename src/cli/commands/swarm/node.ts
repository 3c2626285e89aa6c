import { invalidInput } from '../../../core/errors.ts'
import type { NodeView } from '../../../core/model/control-api.ts'
import type { Availability } from '../../../core/model/node.ts'
import { formatBytes } from '../../../core/units.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'
import { readDuration } from './flags.ts'
import { findNode, nodePath, withManager } from './node-api.ts'
import { followDrain } from './node-drain.ts'

const LISTING: ListingFormat<NodeView> = {
  columns: [
    { title: 'NAME', of: node => node.name },
    { title: 'STATUS', of: node => node.health },
    { title: 'AVAILABILITY', of: node => node.availability },
    { title: 'ADDRESS', of: node => node.lastSeen.apiAddress },
    { title: 'TASKS', of: node => String(node.tasks) },
    { title: 'CPUS', of: cpus },
    { title: 'MEMORY', of: memory },
    { title: 'ENGINE', of: node => node.lastSeen.engineVersion },
    { title: 'ERROR', of: node => node.reason ?? '', mayShrink: true },
  ],
  record: node => ({
    Name: node.name,
    ID: node.memberId,
    Status: node.status,
    Health: node.health,
    Error: node.reason ?? '',
    Availability: node.availability,
    Address: node.lastSeen.apiAddress,
    Tasks: node.tasks,
    CPUs: cpus(node),
    Memory: memory(node),
    EngineVersion: node.lastSeen.engineVersion,
    Labels: node.labels,
  }),
  id: node => node.name,
}

/** Reserved and present. */
function cpus({ reserved, lastSeen }: NodeView): string {
  return `${reserved.nanoCpus / 1e9} / ${lastSeen.nanoCpus / 1e9}`
}

function memory({ reserved, lastSeen }: NodeView): string {
  return `${formatBytes(reserved.memoryBytes)} / ${formatBytes(lastSeen.memoryBytes)}`
}

/** `swarm node ls` */
export async function runList(invocation: Invocation, context: CommandContext): Promise<void> {
  const { options } = invocation
  const nodes = await withManager(invocation, context, api => api.list())
  const sorted = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const [format, quiet] = [options.text('format'), options.flag('quiet')]
  context.stdout.write(renderListing(sorted, LISTING, { format, quiet, width: context.stdout.columns }))
}

/** What is not told of every node: templates see nothing there, so that they do not fail while a node is down. */
const ABSENT = { reason: null, engine: null }

/** `swarm node inspect` */
export async function runInspect(invocation: Invocation, context: CommandContext): Promise<void> {
  const { args, options } = invocation
  const found = await withManager(invocation, context, api => Promise.all(args.map(name => api.details(name))))
  const format = options.text('format')
  const text =
    format === undefined || format === 'json'
      ? `${JSON.stringify(found, undefined, 2)}\n`
      : renderListing(found, { ...LISTING, record: node => ({ ...ABSENT, ...node }) }, { format })
  context.stdout.write(text)
}

interface NodeChange {
  readonly availability?: Availability
  readonly labels?: Readonly<Record<string, string | null>>
}

const WAIT_MS = 300_000

/** `swarm node update` */
export async function runUpdate(invocation: Invocation, context: CommandContext): Promise<number> {
  const change = readChange(invocation)
  if (change.availability === undefined && change.labels === undefined) {
    throw invalidInput('BAD_FLAG', 'Nothing to change: give --availability, --label-add or --label-rm')
  }
  return changeNode(change, invocation, context)
}

/** `swarm node drain`: `update --availability drain`. */
export function runDrain(invocation: Invocation, context: CommandContext): Promise<number> {
  return changeNode({ availability: 'drain' }, invocation, context)
}

async function changeNode(change: NodeChange, invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const [name = ''] = args
  const timeoutMs = readDuration(invocation, 'timeout', WAIT_MS)
  return withManager(invocation, context, async api => {
    const before = findNode(await api.list(), name)
    for (const line of describeChange(before, change)) context.stderr.write(`${line}\n`)
    if (options.flag('dryRun')) {
      context.stdout.write(`${name}\n`)
      return 0
    }
    const had = options.flag('wait') ? (await api.details(name)).placements : []
    await api.call('PUT', nodePath(name), change)
    if (change.availability === 'drain' && options.flag('wait')) {
      return followDrain(name, had, { api, context, timeoutMs })
    }
    context.stdout.write(`${name}\n`)
    return 0
  })
}

/** `swarm node rm` */
export async function runRemove(invocation: Invocation, context: CommandContext): Promise<void> {
  const { args, options } = invocation
  const query = new URLSearchParams()
  if (options.flag('force')) query.set('force', '1')
  if (options.flag('dryRun')) query.set('dryRun', '1')
  await withManager(invocation, context, async api => {
    for (const name of args) {
      const { volumes } = (await api.call('DELETE', `${nodePath(name)}?${query.toString()}`)) as {
        volumes: readonly string[]
      }
      if (volumes.length > 0) context.stderr.write(`gives up the data of ${volumes.join(', ')}\n`)
      context.stdout.write(`${name}\n`)
    }
  })
}

const AVAILABILITIES: readonly string[] = ['active', 'pause', 'drain'] satisfies Availability[]

function readChange({ options }: Invocation): NodeChange {
  const availability = options.text('availability')
  if (availability !== undefined && !AVAILABILITIES.includes(availability)) {
    throw invalidInput('BAD_FLAG', `Cannot use --availability "${availability}": expected active, pause or drain`)
  }
  const added = options.list('labelAdd').map((text): [string, string] => {
    const equals = text.indexOf('=')
    if (equals < 1) throw invalidInput('BAD_FLAG', `Cannot read --label-add "${text}": expected key=value`)
    return [text.slice(0, equals), text.slice(equals + 1)]
  })
  const removed = options.list('labelRm').map((key): [string, null] => [key, null])
  return {
    ...(availability === undefined ? {} : { availability: availability as Availability }),
    ...(added.length + removed.length === 0 ? {} : { labels: Object.fromEntries([...removed, ...added]) }),
  }
}

function describeChange(before: NodeView, { availability, labels = {} }: NodeChange): string[] {
  const shown = availability === undefined ? [] : [`availability: ${before.availability} -> ${availability}`]
  const changed = Object.entries(labels).map(
    ([key, value]) => `label ${key}: ${before.labels[key] ?? '(none)'} -> ${value ?? '(none)'}`,
  )
  return [...shown, ...changed]
}
