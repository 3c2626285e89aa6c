import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { newShortId } from '../../core/random.ts'
import { type Build, hiddenImage, imageState, type StageImages } from './build.ts'
import { wordRules } from './config-steps.ts'
import { copyInto } from './copy-into.ts'
import { dockerfileError, type Instruction } from './instructions.ts'
import { changeRoot, layerStep } from './layer-step.ts'
import { resolveOwner } from './owner.ts'
import { digestSources, findSources, type Source, type SourceTree } from './sources.ts'
import type { BuildState } from './state.ts'
import { expandText, expandWord, jsonForm, splitWords } from './words.ts'

interface CopyWords {
  readonly sources: readonly string[]
  readonly target: string
}

/** COPY and ADD: from the context, from an earlier stage or image, or from text in the Dockerfile. */
export function copyStep(
  build: Build,
  step: Instruction,
  { state, done }: { readonly state: BuildState; readonly done: StageImages },
): Promise<BuildState> {
  const words = readWords(build, step, state)
  const mode = readMode(build, step)
  const from = step.flags['from']
  const run = async (tree: SourceTree): Promise<BuildState> => {
    const sources = words.sources.flatMap(word => findSources(tree, word))
    return copyFrom(build, step, { state, sources, target: words.target, mode })
  }
  if (step.heredocs.length > 0) return withHeredocs(build, step, { state, words, mode })
  return from === undefined ? run(build.context) : withTree(build, { from, done }, run)
}

async function copyFrom(
  build: Build,
  step: Instruction,
  {
    state,
    sources,
    target,
    mode,
  }: { state: BuildState; sources: readonly Source[]; target: string; mode: number | undefined },
): Promise<BuildState> {
  const { file, escape } = build.dockerfile
  const chown = step.flags['chown']
  const owned = chown === undefined ? undefined : expandWord(chown, wordRules(state, { file, escape }))
  return layerStep(build, state, {
    text: step.text,
    inputs: [digestSources(sources), target, owned ?? '', mode ?? ''],
    make: async () =>
      changeRoot(build, await hiddenImage(build, state), root =>
        copyInto(
          { root, path: target, owner: resolveOwner(root, owned), mode, unpack: step.keyword === 'ADD' },
          sources,
        ),
      ),
  })
}

/** Lets `use` read the root of a stage or of an image. */
async function withTree(
  build: Build,
  { from, done }: { readonly from: string; readonly done: StageImages },
  use: (tree: SourceTree) => Promise<BuildState>,
): Promise<BuildState> {
  const state = done.byName.get(from.toLowerCase()) ?? (await imageState(build, from))
  const rootId = `build-${newShortId(build.random)}`
  try {
    const directory = await build.store.roots.mount(rootId, await hiddenImage(build, state))
    return await use({ directory, ignored: () => false, name: `"${from}"` })
  } finally {
    await build.store.roots.remove(rootId)
  }
}

/** Here-documents become files of the names they were given. */
async function withHeredocs(
  build: Build,
  step: Instruction,
  { state, words, mode }: { state: BuildState; words: CopyWords; mode: number | undefined },
): Promise<BuildState> {
  const { file, escape } = build.dockerfile
  const rules = wordRules(state, { file, escape })
  const directory = await mkdtemp(join(build.scratch, 'heredoc-'))
  try {
    const tree = { directory, ignored: () => false, name: 'the Dockerfile' }
    for (const { name, content, literal } of step.heredocs) {
      await writeFile(join(directory, name), literal ? content : expandText(content, rules))
    }
    const names = new Set(step.heredocs.map(heredoc => heredoc.name))
    const sources = words.sources.flatMap(word => {
      const name = /^<<-?['"]?(\w+)['"]?$/.exec(word)?.[1] ?? ''
      return names.has(name) ? findSources(tree, name) : findSources(build.context, word)
    })
    return await copyFrom(build, step, { state, sources, target: words.target, mode: mode ?? 0o644 })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function readWords(build: Build, step: Instruction, state: BuildState): CopyWords {
  const { file, escape } = build.dockerfile
  const rules = wordRules(state, { file, escape })
  const words = (jsonForm(step.rest) ?? splitWords(step.rest, escape)).map(word =>
    word.startsWith('<<') ? word : expandWord(word, rules),
  )
  const target = words.at(-1)
  if (words.length < 2 || target === undefined) {
    throw dockerfileError(file, step.line, `${step.keyword} requires at least two arguments: sources and a destination`)
  }
  const sources = words.slice(0, -1)
  const url = sources.find(word => /^(https?|git):\/\//.test(word))
  if (url !== undefined) {
    throw dockerfileError(
      file,
      step.line,
      `cannot add ${url}: addresses are not fetched, get it with RUN or into the context`,
    )
  }
  return { sources, target: absolute(target, state) }
}

/** A slash at the end is kept: it says that the target is a directory. */
function absolute(target: string, { config }: BuildState): string {
  const path = posix.resolve('/', config.WorkingDir ?? '/', target)
  const isDirectory = /(^|\/)\.?$/.test(target) || target.endsWith('/..') || target === '..'
  return isDirectory && path !== '/' ? `${path}/` : path
}

function readMode({ dockerfile }: Build, { flags, line }: Instruction): number | undefined {
  const text = flags['chmod']
  if (text === undefined) return undefined
  if (/^0?[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8)
  throw dockerfileError(dockerfile.file, line, `invalid --chmod "${text}": write an octal number such as 0644`)
}
