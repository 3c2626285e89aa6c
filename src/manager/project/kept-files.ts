import { createHmac } from 'node:crypto'
import { conflict, errorMessage, invalidInput } from '../../core/errors.ts'
import type { FileSpec, ProjectSpec, ServiceSpec } from '../../core/model/service.ts'
import { unpackParcel } from '../../core/parcel.ts'
import { newHexId, type Random } from '../../core/random.ts'
import type { ClusterKeys, Store } from '../../discovery/index.ts'
import type { Transaction } from '../loop/transactions.ts'
import type { Snapshot } from '../model/snapshot.ts'

/** Secrets, configs and project files are kept under `files/<project>/<id>/<part>`, out of all that is listed or cached. */
export interface KeptFilesPorts {
  readonly store: Pick<Store, 'get' | 'list'>
  readonly keys: ClusterKeys
  readonly random: Random
  readonly write: (transaction: Transaction) => Promise<boolean>
}

/** Of base64: a value of the store with room for its key. */
const PART_CHARS = 512 * 1024

/**
 * The project as it is stored: without its files' content, which is written to the store first (unless `dryRun`). Names of
 * content are made anew with a key of the project, so that nobody who may see a spec can try what a secret is.
 * Throws FILES_GONE if a service needs content that neither came along nor is kept.
 */
export async function keepFiles(
  { contents = {}, ...project }: ProjectSpec,
  { dryRun }: { readonly dryRun: boolean },
  ports: KeptFilesPorts,
): Promise<ProjectSpec> {
  const wanted = filesIn(project.services)
  if (wanted.length === 0) return project
  for (const [id, content] of Object.entries(contents)) checkContent(id, content)
  const salt = await saltOf(project.name, { dryRun }, ports)
  const nameOf = (id: string): string => createHmac('sha256', salt).update(id).digest('hex')
  const kept = await keptIds(project.name, ports)
  const named = new Map(Object.keys(contents).map(id => [id, nameOf(id)]))
  for (const { id, name, kind } of wanted) {
    if (named.has(id) || kept.has(id)) continue
    throw conflict(
      'FILES_GONE',
      `Cannot apply project ${project.name}: ${kind} ${name} is not kept any more; apply all of it`,
    )
  }
  for (const [id, name] of dryRun ? [] : named) {
    if (!kept.has(name)) await writeParts(ports.keys.file(project.name, name), contents[id] ?? '', ports)
  }
  return { ...project, services: project.services.map(service => renamed(service, named)) }
}

/** Deletes what no service and no task of a project needs any more; with none of either, all of it. */
export async function dropUnusedFiles(
  project: string,
  snapshot: Snapshot,
  ports: Pick<KeptFilesPorts, 'store' | 'keys' | 'write'>,
): Promise<void> {
  const own = <T extends { readonly project: string }>(records: ReadonlyMap<string, { readonly value: T }>): T[] =>
    [...records.values()].map(({ value }) => value).filter(value => value.project === project)
  const services = own(snapshot.services)
  const specs = [
    ...services.flatMap(({ spec, previous }) => (previous === undefined ? [spec] : [spec, previous])),
    ...own(snapshot.tasks).map(({ spec }) => spec),
  ]
  const used = new Set(filesIn(specs).map(({ id }) => id))
  for (const id of await keptIds(project, ports)) {
    if (used.has(id)) continue
    await ports.write({ compares: [], operations: [{ deletePrefix: ports.keys.file(project, id) }] })
  }
}

function filesIn(services: readonly Pick<ServiceSpec, 'container'>[]): FileSpec[] {
  return services.flatMap(({ container }) => container.files ?? [])
}

function renamed(service: ServiceSpec, names: ReadonlyMap<string, string>): ServiceSpec {
  const { files } = service.container
  if (files === undefined) return service
  const kept = files.map(file => ({ ...file, id: names.get(file.id) ?? file.id }))
  return { ...service, container: { ...service.container, files: kept } }
}

function checkContent(id: string, content: string): void {
  try {
    unpackParcel(Buffer.from(content, 'base64'))
  } catch (cause) {
    throw invalidInput('BAD_CONTENT', `Cannot keep content ${id}: ${errorMessage(cause)}`, { cause })
  }
}

async function saltOf(
  project: string,
  { dryRun }: { readonly dryRun: boolean },
  { store, keys, random, write }: KeptFilesPorts,
): Promise<string> {
  const key = keys.fileSalt(project)
  const found = await store.get(key)
  if (found !== undefined) return found.value
  const salt = `${newHexId(random)}${newHexId(random)}`
  if (dryRun || (await write({ compares: [{ key, exists: false }], operations: [{ put: key, value: salt }] })))
    return salt
  return (await store.get(key))?.value ?? salt
}

/** Ids of which every part is there. */
async function keptIds(
  project: string,
  { store, keys }: Pick<KeptFilesPorts, 'store' | 'keys'>,
): Promise<ReadonlySet<string>> {
  const prefix = keys.filesOf(project)
  const { items } = await store.list(prefix)
  return new Set(
    items.flatMap(({ key }) => {
      const [id = '', part] = key.slice(prefix.length).split('/')
      return part === 'last' ? [id] : []
    }),
  )
}

/** The last part last, under a name of its own: whoever finds it finds all. */
async function writeParts(prefix: string, content: string, { write }: Pick<KeptFilesPorts, 'write'>): Promise<void> {
  const count = Math.max(1, Math.ceil(content.length / PART_CHARS))
  for (let part = 0; part < count; part++) {
    const key = `${prefix}${part === count - 1 ? 'last' : String(part).padStart(3, '0')}`
    const value = content.slice(part * PART_CHARS, (part + 1) * PART_CHARS)
    await write({ compares: [], operations: [{ put: key, value }] })
  }
}
