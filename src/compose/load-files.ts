import { canonicalise } from './canonical/canonicalise.ts'
import { applyExtends } from './extends.ts'
import { applyInclude } from './include.ts'
import { interpolate } from './interpolate/interpolate.ts'
import { type LoadContext, lookupIn } from './load-context.ts'
import { merge } from './merge/merge.ts'
import { enforceUnicity } from './merge/unicity.ts'
import { ComposeError, collect, type Problem, problem } from './problem.ts'
import { checkShape } from './schema/check-shape.ts'
import { COMPOSE_SHAPE } from './schema/compose-shape.ts'
import { SourceIndex } from './source-index.ts'
import { asText, asTree, isTree, mapValues, removeAt, showPath, type Tree, without } from './tree.ts'
import { parseYaml, type YamlDocument } from './yaml/parse-yaml.ts'

/** A compose file that was read and parsed, and not interpreted yet. */
export interface ParsedFile {
  readonly file: string
  readonly documents: readonly YamlDocument[]
}

/** Parses one file; the top level of every document must be a mapping. Throws ComposeError with all that is wrong. */
export function parseFile(file: string, text: string): ParsedFile {
  const documents = parseYaml(text, file)
  for (const { value } of documents) {
    if (value !== undefined && !isTree(value)) {
      throw new ComposeError([
        { message: 'the top level of a compose file must be a mapping', at: { file, line: 1, column: 1 } },
      ])
    }
  }
  return { file, documents }
}

/** Parses files with one another: what is wrong with each is told at once. Throws ComposeError. */
export function parseFiles(files: readonly string[], read: (file: string) => string): readonly ParsedFile[] {
  const problems: Problem[] = []
  const report = (problem: Problem): void => void problems.push(problem)
  const parsed = files.flatMap(file => collect(report, [], () => [parseFile(file, read(file))]))
  if (problems.length > 0) throw new ComposeError(problems)
  return parsed
}

/** One document on its way into the model. */
interface Step {
  readonly file: string
  readonly document: YamlDocument
}

/** Loads files one over the other into a model in canonical form. Throws ComposeError with all that is wrong. */
export function loadFiles(files: readonly ParsedFile[], context: LoadContext): Tree {
  const steps = files.flatMap(({ file, documents }) => documents.map(document => ({ file, document })))
  const present = steps.filter(({ document }) => document.value !== undefined)
  if (present.length === 0) throw problem('empty compose file')
  const filled = fillAll(present, context)
  const problems: Problem[] = []
  const report = (found: Problem): void => void problems.push(context.sources.place(found))
  const model = filled.reduce<Tree>((into, { own, ...step }) => {
    context.sources.add(step.document)
    return collect(report, into, () => loadDocument(into, own, step, { ...context, report }))
  }, {})
  context.sources.refuse(problems)
  return model
}

/** Interpolates and checks every document by itself, so that one file's mistakes do not hide another's. */
function fillAll(steps: readonly Step[], context: LoadContext): readonly (Step & { readonly own: Tree })[] {
  const problems: Problem[] = []
  const filled = steps.map(step => {
    const sources = new SourceIndex()
    sources.add(step.document)
    const wrong = new Set<string>()
    const report = (found: Problem): void => {
      wrong.add(showPath(found.path ?? []))
      problems.push(sources.place(found))
    }
    const own = fillIn(step, { ...context, report })
    for (const found of checkShape(own, COMPOSE_SHAPE, { partial: true })) {
      // A variable that could not be filled in has been told already.
      if (!wrong.has(showPath(found.path ?? []))) problems.push(sources.place(found))
    }
    return { ...step, own }
  })
  if (problems.length > 0) throw new ComposeError(problems)
  return filled
}

function fillIn({ document, file }: Step, context: LoadContext): Tree {
  const written = asTree(document.value)
  const { warn, report } = context
  const filled = context.interpolate
    ? asTree(interpolate(written, { lookup: lookupIn(context.variables), warn, report }))
    : written
  if (filled['version'] !== undefined) warnVersion(filled['version'], file, context)
  return asTree(enforceUnicity(filled))
}

/** The phases of one document over the model so far, in the order that compose defines. */
function loadDocument(model: Tree, own: Tree, { document, file }: Step, context: LoadContext): Tree {
  const included = applyInclude(own, context, (paths, inner) =>
    loadFiles(
      parseFiles(paths, path => inner.reader.read(path) ?? ''),
      inner,
    ),
  )
  const removed = [...document.resets, ...document.overrides]
  const base = removed.reduce<unknown>((tree, path) => removeAt(tree, path), model)
  const extended = applyExtends(included, file, removed, context)
  const merged = asTree(enforceUnicity(merge(base, extended)))
  context.sources.refuse(checkShape(merged, COMPOSE_SHAPE, { partial: false }))
  const canonical = canonicalise(withoutUnused(merged, context), {
    tolerant: !context.interpolate,
    report: context.report,
  })
  return asTree(enforceUnicity(canonical))
}

/** Without what compose defines and gives no meaning to. */
function withoutUnused(model: Tree, { warn }: LoadContext): Tree {
  const services = mapValues(asTree(model['services']), (service, name) => {
    const refresh = asTree(service)['pull_refresh_after']
    if (refresh === undefined) return service
    warn(`services.${name}.pull_refresh_after has no effect: write pull_policy: every_${asText(refresh)}`)
    return without(asTree(service), 'pull_refresh_after')
  })
  return { ...without(model, 'version'), ...(isTree(model['services']) ? { services } : {}) }
}

function warnVersion(version: unknown, file: string, { warn }: LoadContext): void {
  if (typeof version !== 'string') return
  warn(
    `${file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
  )
}
