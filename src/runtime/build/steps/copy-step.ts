import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { errorCode, errorMessage, invalidInput, ShoalError } from '../../../core/errors.ts'
import { excludeRules } from '../../../core/path-patterns.ts'
import { imageState } from '../base-image.ts'
import type { Build, StageScope } from '../build.ts'
import { cachedStep } from '../cache/cached-step.ts'
import { withoutCommand } from '../created-by.ts'
import { expandText, expandWord } from '../dockerfile/expand.ts'
import { flagSet, flagText } from '../dockerfile/flags.ts'
import { heredocName } from '../dockerfile/heredocs.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import { readChecksum } from './checksum.ts'
import { wordRules } from './config-steps.ts'
import { type CopyTarget, copyInto } from './copy-into.ts'
import { changeRoot, fillLayer, withRoot } from './layer-work.ts'
import { isNumericOwner, resolveOwner } from './owner.ts'
import { fetchSource, isAddress } from './remote-source.ts'
import { digestSources, findSources, type Source, type SourceTree } from './sources.ts'

type CopyInstruction = InstructionOf<'COPY' | 'ADD'>

/** A COPY or ADD with variables substituted. */
interface Copying {
  readonly step: CopyInstruction
  readonly state: BuildState
  readonly sources: readonly string[]
  /** As written; with the working directory it is the path. */
  readonly target: string
  readonly owner: string | undefined
  readonly mode: number | undefined
  /** Digest that the source must have. */
  readonly checksum: string | undefined
}

/** COPY and ADD: from the context, from an earlier stage or image, from an address, or from text in the Dockerfile. */
export async function copyStep(
  build: Build,
  step: CopyInstruction,
  { state, scope }: { readonly state: BuildState; readonly scope: StageScope },
): Promise<BuildState> {
  const copying = readCopying(build, step, state)
  const from = flagText(step.flags, 'from')
  if (from === undefined) return copyFrom(build, copying, build.context)
  const other = (await scope.earlier(from)) ?? (await imageNamed(build, from))
  return withRoot(build, other, directory =>
    copyFrom(build, copying, { directory, missing: path => `stat ${path}: file does not exist` }),
  )
}

async function imageNamed(build: Build, name: string): Promise<BuildState> {
  try {
    return await imageState(build, name)
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw new ShoalError(error.code, error.status, `invalid from flag value ${name}: ${errorMessage(error)}`)
  }
}

function readCopying({ dockerfile }: Build, step: CopyInstruction, state: BuildState): Copying {
  const rules = wordRules(state, dockerfile.escape)
  const expanded = (word: string): string => expandWord(word, rules)
  const flag = (name: string): string | undefined => {
    const text = flagText(step.flags, name)
    return text === undefined ? undefined : expanded(text)
  }
  const sources = step.sources.map(word => (heredocName(word) === undefined ? expanded(word) : word))
  return {
    step,
    state,
    sources,
    target: expanded(step.target),
    owner: flag('chown'),
    mode: readMode(flag('chmod')),
    checksum: readChecksum(flag('checksum'), sources),
  }
}

async function copyFrom(build: Build, copying: Copying, tree: SourceTree): Promise<BuildState> {
  const scratch = await mkdtemp(join(build.scratch, 'sources-'))
  try {
    return await copySources(build, copying, await findAll(build, copying, { tree, scratch }))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Finds all sources. What is wrong with one is said as Docker says it. */
async function findAll(
  build: Build,
  { step, state, sources, checksum }: Copying,
  { tree, scratch }: { readonly tree: SourceTree; readonly scratch: string },
): Promise<readonly Source[]> {
  const patterns = step.flags.get('exclude') ?? []
  const isExcluded = patterns.length === 0 ? undefined : excludeRules(patterns).isIgnored
  const written = await writeHeredocs(build, step, { state, scratch })
  const found: Source[] = []
  try {
    for (const word of sources) {
      const heredoc = heredocName(word)
      if (heredoc !== undefined && written.has(heredoc)) {
        found.push(...(await findSources({ directory: scratch, missing: tree.missing }, heredoc)))
      } else if (isAddress(word)) {
        found.push(await fetchSource(build, step, { url: word, scratch, checksum }))
      } else found.push(...(await findSources(tree, word, isExcluded)))
    }
    if (found.length === 0) throw invalidInput('NO_SUCH_SOURCE', 'no source files were specified')
  } catch (error) {
    if (build.signal.aborted || !(error instanceof ShoalError)) throw error
    const message = `${step.keyword} failed: ${errorMessage(error)}`
    throw new ShoalError(error.code, error.status, message, { cause: error, details: error.details })
  }
  return found
}

/** Here-documents become files of the names they were given. */
async function writeHeredocs(
  { dockerfile }: Build,
  { heredocs }: CopyInstruction,
  { state, scratch }: { readonly state: BuildState; readonly scratch: string },
): Promise<ReadonlySet<string>> {
  const rules = wordRules(state, dockerfile.escape)
  for (const { name, content, literal } of heredocs) {
    await writeFile(join(scratch, name), literal ? content : expandText(content, rules), { mode: 0o644 })
  }
  return new Set(heredocs.map(({ name }) => name))
}

async function copySources(build: Build, copying: Copying, sources: readonly Source[]): Promise<BuildState> {
  const { step, state, target, owner, mode } = copying
  const path = absolute(target, state)
  if (sources.length > 1 && !path.endsWith('/')) {
    const why = 'the destination must be a directory and end with a /'
    throw invalidInput('COPY_TARGET', `When using ${step.keyword} with more than one source file, ${why}`)
  }
  const copy = (root: string): Promise<void> => {
    const into: CopyTarget = {
      root,
      path,
      owner: owner === undefined ? undefined : resolveOwner(root, owner),
      mode,
      unpack: step.keyword === 'ADD',
      keepParents: flagSet(step.flags, 'parents'),
      signal: build.signal,
    }
    return copyInto(into, sources).catch((error: unknown) => Promise.reject(copyError(error)))
  }
  const isAlone = flagSet(step.flags, 'link') && (owner === undefined || isNumericOwner(owner))
  return cachedStep(build, state, {
    createdBy: withoutCommand(state, await createdBy(copying, sources)),
    make: () => (isAlone ? fillLayer(build, copy) : changeRoot(build, state, copy)),
  })
}

async function createdBy({ step, target, owner, mode }: Copying, sources: readonly Source[]): Promise<string> {
  const [only] = sources
  const kind = sources.length > 1 ? 'multi' : only?.isDirectory === true ? 'dir' : 'file'
  const flags = [
    ...(owner === undefined ? [] : [`--chown=${owner}`]),
    ...(mode === undefined ? [] : [`--chmod=${mode.toString(8).padStart(4, '0')}`]),
    ...['link', 'parents'].filter(name => flagSet(step.flags, name)).map(name => `--${name}`),
  ]
  return [step.keyword, ...flags, `${kind}:${await digestSources(sources)} in ${target} `].join(' ')
}

function copyError(error: unknown): unknown {
  if (!(error instanceof ShoalError) || !['BAD_ENTRY', 'UNPACK_FAILED'].includes(errorCode(error) ?? '')) return error
  return new ShoalError(error.code, error.status, `failed to copy files: ${errorMessage(error)}`, { cause: error })
}

/** A slash at the end is kept: it says that the target is a directory. */
function absolute(target: string, { config }: BuildState): string {
  const { WorkingDir = '' } = config
  const path = posix.resolve('/', WorkingDir, target)
  const isDirectory = /(^|\/)\.?$/.test(target) || target.endsWith('/..') || target === '..'
  return isDirectory && path !== '/' ? `${path}/` : path
}

function readMode(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) return Number.parseInt(text, 8)
  throw invalidInput(
    'BAD_MODE',
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
  )
}
