import { chownSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import { newShortId } from '../../../core/random.ts'
import type { MountRequest } from '../../../docker-api/index.ts'
import { mount, unmount } from '../../linux/mount.ts'
import { hiddenImage, imageState } from '../base-image.ts'
import type { Build, StageScope } from '../build.ts'
import type { RunMount } from './mount-flags.ts'
import { digestSources, findSources, type Source, type SourceTree } from './sources.ts'
import type { MountPlace } from './stubs.ts'

/** What a command's mounts come to. */
export interface OpenMounts extends AsyncDisposable {
  readonly requests: readonly MountRequest[]
  readonly places: readonly MountPlace[]
  /** Secrets that are asked for as variables. */
  readonly variables: readonly string[]
}

type Opened = { readonly request?: MountRequest; readonly place?: MountPlace; readonly variable?: string }
type Of<T extends RunMount['type']> = Extract<RunMount, { readonly type: T }>

/** Sources of bind mounts, found before the cache is asked, because the result depends on what they hold. */
export interface BoundSource {
  readonly mount: Of<'bind'>
  readonly source: Source
}

/** Opens the trees that bind mounts take from. They stay until the stack is disposed. */
export async function findBound(
  build: Build,
  mounts: readonly RunMount[],
  { scope, opened }: { readonly scope: StageScope; readonly opened: AsyncDisposableStack },
): Promise<readonly BoundSource[]> {
  const found: BoundSource[] = []
  for (const mount of mounts) {
    if (mount.type !== 'bind') continue
    const tree = mount.from === undefined ? build.context : await treeOf(build, mount.from, { scope, opened })
    const [source] = await findSources(tree, mount.source.replace(/[*?[\\]/g, '\\$&'))
    if (source !== undefined) found.push({ mount, source })
  }
  return found
}

export function digestBound(bound: readonly BoundSource[]): Promise<string> {
  return digestSources(bound.map(({ source }) => source))
}

async function treeOf(
  build: Build,
  from: string,
  { scope, opened }: { readonly scope: StageScope; readonly opened: AsyncDisposableStack },
): Promise<SourceTree> {
  const state = (await scope.earlier(from)) ?? (await imageState(build, from))
  const rootId = `build-${build.id}-${newShortId(build.random)}`
  opened.defer(() => build.store.roots.remove(rootId))
  const directory = await build.store.roots.mount(rootId, await hiddenImage(build, state), { bare: true })
  return { directory, missing: path => `stat ${path}: file does not exist` }
}

/** Makes what a command's mounts need on this host. */
export async function openMounts(
  build: Build,
  mounts: readonly RunMount[],
  bound: readonly BoundSource[],
): Promise<OpenMounts> {
  await using opened = new AsyncDisposableStack()
  const all: Opened[] = bound.map(openBind)
  for (const wanted of mounts) {
    if (wanted.type === 'tmpfs') all.push(openTmpfs(wanted))
    if (wanted.type === 'cache') all.push(await openCache(build, wanted, opened))
    if (wanted.type === 'secret') all.push(await openSecret(build, wanted, opened))
  }
  const kept = opened.move()
  return {
    requests: all.flatMap(({ request }) => request ?? []),
    places: all.flatMap(({ place }) => place ?? []),
    variables: all.flatMap(({ variable }) => variable ?? []),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function openBind({ mount: { target }, source }: BoundSource): Opened {
  const place = source.entries[0]?.place ?? ''
  return {
    request: { Type: 'bind', Source: join(source.tree.directory, place), Target: target, ReadOnly: true },
    place: { path: target, kind: source.isDirectory ? 'directory' : 'file' },
  }
}

function openTmpfs({ target, sizeBytes }: Of<'tmpfs'>): Opened {
  const options = sizeBytes === undefined ? {} : { TmpfsOptions: { SizeBytes: sizeBytes } }
  return { request: { Type: 'tmpfs', Target: target, ...options }, place: { path: target, kind: 'directory' } }
}

async function openCache(
  { mountCaches, signal }: Build,
  wanted: Of<'cache'>,
  opened: AsyncDisposableStack,
): Promise<Opened> {
  const { path } = opened.use(await mountCaches.open(wanted, signal))
  return {
    request: { Type: 'bind', Source: path, Target: wanted.target, ReadOnly: wanted.readOnly },
    place: { path: wanted.target, kind: 'directory' },
  }
}

/** The file of a secret lies in memory while it is needed, never on the disk. */
async function openSecret(build: Build, wanted: Of<'secret'>, opened: AsyncDisposableStack): Promise<Opened> {
  const encoded = build.options.secrets?.[wanted.id]
  if (encoded === undefined) {
    if (wanted.required) throw invalidInput('NO_SECRET', `secret ${wanted.id}: not found`)
    return {}
  }
  const value = Buffer.from(encoded, 'base64')
  const variable = wanted.variable === undefined ? {} : { variable: `${wanted.variable}=${value.toString('utf8')}` }
  if (wanted.target === undefined) return variable
  const directory = secretsFolder(build.scratch, newShortId(build.random))
  await mkdir(directory, { recursive: true, mode: 0o700 })
  opened.defer(() => unmount(directory))
  mount({ source: 'tmpfs', target: directory, type: 'tmpfs', data: 'mode=0700,size=4m' })
  const path = join(directory, 'secret')
  writeFileSync(path, value, { mode: wanted.mode })
  chownSync(path, wanted.uid, wanted.gid)
  const request: MountRequest = { Type: 'bind', Source: path, Target: wanted.target, ReadOnly: true }
  return { ...variable, request, place: { path: wanted.target, kind: 'file' } }
}

const SECRETS = 'secrets'

function secretsFolder(scratch: string, name: string): string {
  return join(scratch, SECRETS, name)
}

/** Unmounts what a build that a crash ended had mounted for its secrets. */
export async function unmountSecrets(scratch: string): Promise<void> {
  const names = await readdir(join(scratch, SECRETS)).catch(() => [])
  for (const name of names) unmount(secretsFolder(scratch, name))
}
