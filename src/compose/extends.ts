import { posix } from 'node:path'
import { canonicalise } from './canonical/canonicalise.ts'
import { copyOfRemote } from './files/remote.ts'
import { interpolate } from './interpolate/interpolate.ts'
import { type LoadContext, lookupIn } from './load-context.ts'
import { merge } from './merge/merge.ts'
import { enforceUnicity } from './merge/unicity.ts'
import { absolute, resolvePaths } from './paths.ts'
import { at, ComposeError, collect, PathError, type Problem, problem, type Report } from './problem.ts'
import { SourceIndex } from './source-index.ts'
import { asTree, isTree, mapValues, type Path, removeAt, type Tree, without } from './tree.ts'
import { parseYaml } from './yaml/parse-yaml.ts'

/** A file as seen by `extends`: its services, and what it tagged for removal. */
interface Source {
  readonly file: string
  readonly directory: string
  readonly model: Tree
  readonly removed: readonly Path[]
}

interface Hop {
  readonly service: string
  readonly file: string
}

/** Replaces `extends` in every service of one file by what it stands for. */
export function applyExtends(model: Tree, file: string, removed: readonly Path[], context: LoadContext): Tree {
  if (!isTree(model['services'])) return model
  const source: Source = { file, directory: context.projectDir, model, removed }
  const services = mapValues(model['services'], (service, name) =>
    isTree(service) && service['extends'] !== undefined
      ? collect(context.report, without(service, 'extends'), () => extended(name, source, [], context))
      : service,
  )
  return { ...model, services }
}

function extended(name: string, source: Source, trail: readonly Hop[], context: LoadContext): Tree {
  const here: Hop = { service: name, file: source.file }
  const service = asTree(asTree(source.model['services'])[name])
  if (service['extends'] === undefined || service['extends'] === null) return service
  const path: Path = ['services', name, 'extends']
  if (trail.some(hop => hop.service === name && hop.file === source.file)) {
    throw new PathError(path, circular([...trail, here]))
  }
  const reference = readReference(name, service['extends'])
  const base = baseOf(name, reference, source, { trail: [...trail, here], context })
  const prefix: Path = ['services', name]
  const cleaned = source.removed
    .filter(removed => removed.length > 2 && removed[0] === 'services' && removed[1] === name)
    .reduce<unknown>((tree, removed) => removeAt(tree, removed.slice(2)), base)
  return asTree(merge(cleaned, without(service, 'extends'), prefix))
}

function readReference(name: string, value: unknown): { readonly service: string; readonly file?: string } {
  if (typeof value === 'string') return { service: value }
  const service = asTree(value)['service']
  const file = asTree(value)['file']
  if (typeof service !== 'string' || service === '') {
    throw at(['services', name, 'extends'], `: extends.${name}.service is required`)
  }
  return typeof file === 'string' ? { service, file } : { service }
}

function baseOf(
  name: string,
  reference: { readonly service: string; readonly file?: string },
  source: Source,
  { trail, context }: { readonly trail: readonly Hop[]; readonly context: LoadContext },
): Tree {
  const path: Path = ['services', name, 'extends']
  const own = reference.file === undefined
  const target = own ? source : openSource(reference.file ?? '', source, path, context)
  const services = target.model['services']
  const inFile = own ? '' : ` in ${reference.file ?? ''}`
  if (!isTree(services)) {
    throw new PathError(path, `cannot extend service "${name}" in ${source.file}: no services section${inFile}`)
  }
  if (!isTree(services[reference.service])) {
    throw new PathError(
      path,
      `cannot extend service "${name}" in ${source.file}: service "${reference.service}" not found${inFile}`,
    )
  }
  const base = extended(reference.service, target, trail, context)
  return own ? base : relocated(reference.service, base, target.directory, context)
}

function openSource(file: string, from: Source, path: Path, context: LoadContext): Source {
  const copy = copyOfRemote(file, context.fetchRemote, why => new PathError(path, why))
  const full = copy ?? absolute(file, { directory: from.directory, home: context.variables.get('HOME') })
  const text = context.reader.kind(full) === 'file' ? context.reader.read(full) : undefined
  if (text === undefined) throw new PathError(path, `stat ${full}: no such file or directory`)
  const documents = parseYaml(text, full)
  const problems: Problem[] = []
  const removed = documents.flatMap(document => [...document.resets, ...document.overrides])
  const model = documents.reduce<unknown>((merged, document) => {
    if (document.value === undefined) return merged
    if (!isTree(document.value)) throw problem(`${full}: the top level must be a mapping`)
    const sources = new SourceIndex()
    sources.add(document)
    const report: Report = found => void problems.push(sources.place(found))
    const options = { lookup: lookupIn(context.variables), warn: context.warn, report }
    return merge(merged, context.interpolate ? interpolate(document.value, options) : document.value)
  }, {})
  if (problems.length > 0) throw new ComposeError(problems)
  return { file: full, directory: posix.dirname(full), model: asTree(model), removed }
}

/** Paths in another file start from that file's directory. */
function relocated(name: string, service: Tree, directory: string, context: LoadContext): Tree {
  const model = canonicalise(
    { services: { [name]: asTree(enforceUnicity(service)) } },
    { tolerant: true, report: context.report },
  )
  const options = {
    directory,
    home: context.variables.get('HOME'),
    realPath: context.reader.realPath,
    onLocalBind: context.sources.noteLocalBind,
  }
  return asTree(asTree(resolvePaths(model, options)['services'])[name])
}

function circular(trail: readonly Hop[]): string {
  const [first, ...rest] = trail.map(hop => `${hop.service} in ${hop.file}`)
  return `Circular reference:\n  ${first ?? ''}${rest.map(hop => `\n  extends ${hop}`).join('')}`
}
