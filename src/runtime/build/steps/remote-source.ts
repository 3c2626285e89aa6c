import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { invalidInput, unsupported } from '../../../core/errors.ts'
import type { Build } from '../build.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import { download } from '../download.ts'
import { findSources, type Source } from './sources.ts'

const GIT = /^(git:\/\/|git@|ssh:\/\/|https?:\/\/[^?#]*\.git(#|$))/

/** Whether a source is an address, not a path. */
export function isAddress(word: string): boolean {
  return /^https?:\/\//.test(word) || GIT.test(word)
}

/** Refuses addresses of git repositories, which nothing here can read. */
export function refuseGit(url: string): void {
  if (!GIT.test(url)) return
  throw unsupported('NO_GIT', `git repositories are not fetched: clone ${url} into the context`)
}

/** Fetches what an ADD names by its address. Throws DOWNLOAD_FAILED, and BAD_CHECKSUM if its digest is another one. */
export async function fetchSource(
  { clock, signal }: Build,
  { keyword, target }: InstructionOf<'COPY' | 'ADD'>,
  { url, scratch, checksum }: { readonly url: string; readonly scratch: string; readonly checksum: string | undefined },
): Promise<Source> {
  if (keyword === 'COPY') throw invalidInput('NO_SUCH_SOURCE', "source can't be a URL for COPY")
  refuseGit(url)
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')
  if (target.endsWith('/') && (name === '' || name === '..' || name.includes('/'))) {
    throw invalidInput('NO_SUCH_SOURCE', `cannot determine filename from url: ${url}`)
  }
  const directory = await mkdtemp(join(scratch, 'url-'))
  const path = join(directory, 'file')
  const { modifiedMs } = await download(url, path, { clock, signal })
  if (checksum !== undefined) await compare(path, checksum, url)
  await utimes(path, modifiedMs / 1_000, modifiedMs / 1_000)
  const [source] = await findSources({ directory, missing: () => `${url} is gone` }, 'file')
  if (source === undefined) throw invalidInput('NO_SUCH_SOURCE', 'no source files were specified')
  return { ...source, name, path: [name], isRemote: true }
}

async function compare(path: string, wanted: string, url: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const digest = `sha256:${hash.digest('hex')}`
  if (digest !== wanted) {
    throw invalidInput('BAD_CHECKSUM', `digest mismatch ${digest}: ${wanted} was expected of ${url}`)
  }
}
