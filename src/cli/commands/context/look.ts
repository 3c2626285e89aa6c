import { errorMessage } from '../../../core/errors.ts'
import type { CommandContext, Invocation, RunCommand } from '../../command.ts'
import { DEFAULT_CONTEXT } from '../../engine/contexts/context-name.ts'
import { descriptionOf, hostOf, type TlsMaterial } from '../../engine/contexts/context-record.ts'
import { ContextStore, type ListedContext } from '../../engine/contexts/context-store.ts'
import { contextName } from '../../engine/docker-context.ts'
import { plainJson, printListing, type Row } from '../../engine/listing.ts'
import { ellipsis } from '../../output/shorten.ts'
import { tameLine } from '../../output/tame-line.ts'
import { inspectEach } from '../system/inspect.ts'
import { hostVariable } from './change.ts'
import { DEFAULT_DESCRIPTION, defaultContext } from './endpoint.ts'

/** Docker's width of the last column. */
const ERROR_CHARS_MAX = 45

/** `shoal context ls`: all of them, those that cannot be read with the reason. */
export const runList: RunCommand = async (invocation, context) => {
  const { options } = invocation
  const store = new ContextStore(context.env)
  const current = contextName(invocation, context)
  const kept = [...(await store.list()), await defaultRow(invocation, context)]
  const known = kept.some(({ name }) => name === current)
  const all = known ? kept : [...kept, { name: current, error: await reasonOf(store, current) }]
  const rows = all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(each => rowOf(each, current))
  const isTable = ['', 'table'].includes(options.text('format') ?? '') && !options.flag('quiet')
  printListing({ options, context }, isTable ? rows.map(inTable) : rows, {
    id: 'Name',
    fields: ['Name', 'Description', 'DockerEndpoint', 'Error'],
    titles: { DockerEndpoint: 'DOCKER ENDPOINT' },
  })
  const variable = hostVariable(context)
  if (variable === undefined) return
  context.stderr.write(
    `Warning: ${variable} environment variable overrides the active context. To use a context, either set the global --context flag, or unset ${variable} environment variable.\n`,
  )
}

async function defaultRow(invocation: Invocation, context: CommandContext): Promise<ListedContext> {
  try {
    return { name: DEFAULT_CONTEXT, record: (await defaultContext(invocation, context)).record }
  } catch (error) {
    return { name: DEFAULT_CONTEXT, error: errorMessage(error) }
  }
}

async function reasonOf(store: ContextStore, name: string): Promise<string> {
  return store.load(name).then(() => '', errorMessage)
}

/** Files may have been written by anybody: nothing of them moves the cursor. */
function rowOf(context: ListedContext, current: string): Row {
  const Current = context.name === current
  const Name = tameLine(context.name)
  if (!('record' in context)) {
    return { Name, Current, Description: '', DockerEndpoint: '', Error: tameLine(context.error) }
  }
  const host = hostOf(context.record)
  const Error = host === undefined ? 'cannot find docker endpoint in context' : ''
  const Description = tameLine(descriptionOf(context.record))
  return { Name, Current, Description, DockerEndpoint: tameLine(host ?? ''), Error }
}

function inTable(row: Row): Row {
  const mark = row['Current'] === true ? ' *' : ''
  return { ...row, Name: `${String(row['Name'])}${mark}`, Error: ellipsis(String(row['Error']), ERROR_CHARS_MAX) }
}

/** `shoal context show`: the name of the one that is used. */
export const runShow: RunCommand = async (invocation, context) => {
  context.stdout.write(`${contextName(invocation, context)}\n`)
}

/** `shoal context inspect [NAME…]`: all that is known of contexts; which certificates they have, not what is in them. */
export const runInspect: RunCommand = (invocation, context) => {
  const { args, options } = invocation
  const store = new ContextStore(context.env)
  const names = args.length === 0 ? [contextName(invocation, context)] : args
  return inspectEach({ args: names, options, context }, async name => {
    if (name === DEFAULT_CONTEXT) {
      const { record, tls } = await defaultContext(invocation, context)
      const Storage = { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' }
      const Metadata = descriptionOf(record) === DEFAULT_DESCRIPTION ? {} : record.metadata
      return plainJson({ Name: name, Metadata, Endpoints: record.endpoints, TLSMaterial: namesOf(tls), Storage })
    }
    const { metadata, endpoints } = await store.load(name)
    const { meta, tls } = store.places(name)
    const TLSMaterial = namesOf(await store.loadTls(name))
    const Storage = { MetadataPath: meta, TLSPath: tls }
    return plainJson({ Name: name, Metadata: metadata, Endpoints: endpoints, TLSMaterial, Storage })
  })
}

function namesOf(tls: TlsMaterial): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(tls).map(([endpoint, files]) => [endpoint, Object.keys(files).toSorted()]))
}
