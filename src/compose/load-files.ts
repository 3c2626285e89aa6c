import { canonicalise } from './canonical/canonicalise.ts'
import { applyExtends } from './extends.ts'
import { applyInclude } from './include.ts'
import { interpolate } from './interpolate/interpolate.ts'
import { type LoadContext, lookupIn } from './load-context.ts'
import { merge } from './merge/merge.ts'
import { enforceUnicity } from './merge/unicity.ts'
import { ComposeError, problem } from './problem.ts'
import { checkShape } from './schema/check-shape.ts'
import { COMPOSE_SHAPE } from './schema/compose-shape.ts'
import { asTree, isTree, removeAt, type Tree, without } from './tree.ts'
import { parseYaml, type YamlDocument } from './yaml/parse-yaml.ts'

/** A compose file that was read and parsed, and not interpreted yet. */
export interface ParsedFile {
  readonly file: string
  readonly documents: readonly YamlDocument[]
}

/** Parses one file; the top level of every document must be a mapping. */
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

/** Loads files one over the other into a model in canonical form. */
export function loadFiles(files: readonly ParsedFile[], context: LoadContext): Tree {
  const steps = files.flatMap(({ file, documents }) => documents.map(document => ({ file, document })))
  const present = steps.filter(({ document }) => document.value !== undefined)
  if (present.length === 0) throw problem('empty compose file')
  return present.reduce<Tree>((model, { file, document }) => {
    context.sources.add(document)
    return context.sources.guard(() => loadDocument(model, document, file, context))
  }, {})
}

/** The phases of one document, in the order that compose defines. */
function loadDocument(model: Tree, document: YamlDocument, file: string, context: LoadContext): Tree {
  const written = asTree(document.value)
  const filled = context.interpolate
    ? asTree(interpolate(written, { lookup: lookupIn(context.variables), warn: context.warn }))
    : written
  if (filled['version'] !== undefined) warnVersion(filled['version'], file, context)
  const own = asTree(enforceUnicity(filled))
  context.sources.refuse(checkShape(own, COMPOSE_SHAPE, { partial: true }))
  const included = applyInclude(own, context, (paths, inner) =>
    loadFiles(
      paths.map(path => parseFile(path, inner.reader.read(path) ?? '')),
      inner,
    ),
  )
  const removed = [...document.resets, ...document.overrides]
  const base = removed.reduce<unknown>((tree, path) => removeAt(tree, path), model)
  const extended = applyExtends(included, file, removed, context)
  const merged = asTree(enforceUnicity(merge(base, extended)))
  context.sources.refuse(checkShape(merged, COMPOSE_SHAPE, { partial: false }))
  const canonical = canonicalise(without(merged, 'version'), { tolerant: !context.interpolate })
  return asTree(enforceUnicity(canonical))
}

function warnVersion(version: unknown, file: string, { warn }: LoadContext): void {
  if (typeof version !== 'string') return
  warn(
    `${file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
  )
}
