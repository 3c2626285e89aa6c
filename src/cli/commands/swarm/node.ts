import { invalidInput, notFound } from '../../../core/errors.ts'
import type { NodeView } from '../../../core/model/control-api.ts'
import type { Availability } from '../../../core/model/node.ts'
import { formatBytes } from '../../../core/units.ts'
import { createDockerClient } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { readClientTls } from '../../engine/engine-address.ts'
import { managerAddress } from '../../manager/manager-address.ts'
import { explainUnreachable } from '../../manager/unreachable.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'

const LISTING: ListingFormat<NodeView> = {
  columns: [
    { title: 'NAME', of: node => node.name },
    { title: 'STATUS', of: node => node.status },
    { title: 'AVAILABILITY', of: node => node.availability },
    { title: 'ADDRESS', of: node => node.lastSeen.apiAddress },
    { title: 'TASKS', of: node => String(node.tasks) },
    { title: 'CPUS', of: cpus },
    { title: 'MEMORY', of: memory },
    { title: 'ENGINE', of: node => node.lastSeen.engineVersion },
  ],
  record: node => ({
    Name: node.name,
    ID: node.memberId,
    Status: node.status,
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
  const nodes = (await fetchNodes(invocation, context)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  context.stdout.write(renderListing(nodes, LISTING, { format: options.text('format'), quiet: options.flag('quiet') }))
}

/** `swarm node inspect` */
export async function runInspect(invocation: Invocation, context: CommandContext): Promise<void> {
  const { args, options } = invocation
  const nodes = await fetchNodes(invocation, context)
  const found = args.map(name => findNode(nodes, name))
  const format = options.text('format')
  const text =
    format === undefined
      ? `${JSON.stringify(found, undefined, 2)}\n`
      : renderListing(found, { ...LISTING, record: node => ({ ...node }) }, { format })
  context.stdout.write(text)
}

interface NodeChange {
  readonly availability?: Availability
  readonly labels?: Readonly<Record<string, string | null>>
}

/** `swarm node update` */
export async function runUpdate(invocation: Invocation, context: CommandContext): Promise<void> {
  const { args, options } = invocation
  const [name = ''] = args
  const change = readChange(invocation)
  if (change.availability === undefined && change.labels === undefined) {
    throw invalidInput('BAD_FLAG', 'Nothing to change: give --availability, --label-add or --label-rm')
  }
  const before = findNode(await fetchNodes(invocation, context), name)
  for (const line of describeChange(before, change)) context.stderr.write(`${line}\n`)
  if (!options.flag('dryRun')) {
    await callManager(invocation, context, {
      method: 'PUT',
      path: `/v1/nodes/${encodeURIComponent(name)}`,
      body: change,
    })
  }
  context.stdout.write(`${name}\n`)
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

async function fetchNodes(invocation: Invocation, context: CommandContext): Promise<readonly NodeView[]> {
  return (await callManager(invocation, context, { method: 'GET', path: '/v1/nodes' })) as readonly NodeView[]
}

async function callManager(
  invocation: Invocation,
  context: CommandContext,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: object },
): Promise<unknown> {
  const address = managerAddress(invocation, context)
  const client = createDockerClient(address.url, { clock: context.clock, tls: readClientTls(invocation, context) })
  try {
    return await client.requestJson(method, path, body, context.signal)
  } catch (error) {
    throw explainUnreachable(address, error)
  } finally {
    client.close()
  }
}

function findNode(nodes: readonly NodeView[], name: string): NodeView {
  const node = nodes.find(candidate => candidate.name === name)
  if (node === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${name}`)
  return node
}
