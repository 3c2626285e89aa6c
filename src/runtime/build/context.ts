import { createReadStream, unlinkSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import { errorCode, invalidInput } from '../../core/errors.ts'
import { ignoreRules } from '../../core/path-patterns.ts'
import type { BuildOptions } from '../../docker-api/index.ts'
import { LAYER_LIMITS, unpackArchive } from '../images/index.ts'
import { holdDirectory, holdInside, readFileInside, splitInside } from '../linux/files/fd-path.ts'
import { type Dockerfile, parseDockerfile } from './dockerfile/dockerfile.ts'
import { download } from './download.ts'
import { isArchive } from './is-archive.ts'
import { refuseGit } from './steps/remote-source.ts'
import type { SourceTree } from './steps/sources.ts'

export interface OpenContext {
  readonly dockerfile: Dockerfile
  readonly context: SourceTree
  /** Time of the newest file, seconds since 1970. */
  readonly newestSeconds: number
}

interface ContextPorts {
  /** Exists already, is the build's own, and removed with it. */
  readonly scratch: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Unpacks a build's context and reads its Dockerfile. Of what a .dockerignore names only the Dockerfile and the
 * .dockerignore itself are taken out here: leaving out the rest is for whoever packed the context, as with Docker.
 */
export async function openContext(
  archive: Readable,
  { dockerfile: file, remote }: Pick<BuildOptions, 'dockerfile' | 'remote'>,
  ports: ContextPorts,
): Promise<OpenContext> {
  const directory = join(ports.scratch, 'context')
  await mkdir(directory, { mode: 0o700 })
  const newestSeconds = await fill(directory, remote === undefined ? archive : await fetchContext(remote, ports), ports)
  const name = file === '' ? 'Dockerfile' : file
  const dockerfile = readDockerfile(directory, name)
  const rules =
    readFileInside(directory, `${name}.dockerignore`) ?? readFileInside(directory, '.dockerignore') ?? Buffer.of()
  const { isIgnored } = ignoreRules(rules.toString())
  for (const path of [name, '.dockerignore']) if (isIgnored(splitInside(path).join('/'))) removeInside(directory, path)
  const missing = (path: string): string =>
    `file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`
  return { dockerfile, newestSeconds, context: { directory, missing } }
}

function readDockerfile(directory: string, name: string): Dockerfile {
  const components = insideOnly(name)
  const content = components.length === 0 ? undefined : readFileInside(directory, name)
  if (content === undefined) {
    throw invalidInput('NO_DOCKERFILE', `Cannot locate specified Dockerfile: ${name}`)
  }
  if (content.length === 0) throw invalidInput('DOCKERFILE', `the Dockerfile (${name}) cannot be empty`)
  return parseDockerfile(content.toString('utf8'))
}

function insideOnly(path: string): readonly string[] {
  try {
    return splitInside(path)
  } catch {
    throw invalidInput('NO_DOCKERFILE', `forbidden path outside the build context: ${path} ()`)
  }
}

async function fill(directory: string, source: Readable | Buffer, { signal }: ContextPorts): Promise<number> {
  if (Buffer.isBuffer(source)) {
    await writeFile(join(directory, 'Dockerfile'), source)
    return 0
  }
  const owner = { uid: 0, gid: 0 }
  const options = { limits: LAYER_LIMITS, whiteouts: false, owner, signal }
  const { newestSeconds } = await unpackArchive(source, directory, options)
  return newestSeconds
}

/** Fetches an archive of a context, or a text that is the Dockerfile. */
async function fetchContext(url: string, { scratch, clock, signal }: ContextPorts): Promise<Readable | Buffer> {
  refuseGit(url)
  if (!/^https?:\/\//.test(url)) {
    throw invalidInput('BAD_REMOTE', `remoteURL (${url}) could not be recognized as URL: give an http or https address`)
  }
  const path = join(scratch, 'remote')
  await download(url, path, { clock, signal })
  if (await isArchive(createReadStream(path))) return createReadStream(path)
  const text = await readStart(path, 1 << 20)
  await rm(path)
  if (!text.includes(0)) return text
  throw invalidInput('BAD_REMOTE', `Cannot build from ${url}: it is neither an archive nor a Dockerfile`)
}

async function readStart(path: string, bytesMax: number): Promise<Buffer> {
  await using file = await open(path)
  const buffer = Buffer.alloc(bytesMax)
  const { bytesRead } = await file.read(buffer, 0, bytesMax, 0)
  return buffer.subarray(0, bytesRead)
}

function removeInside(directory: string, path: string): void {
  const components = splitInside(path)
  using root = holdDirectory(directory)
  try {
    using parent = holdInside(root, components.slice(0, -1).join('/'))
    unlinkSync(`${parent.path}/${components.at(-1) ?? ''}`)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(errorCode(error) ?? '')) throw error
  }
}
