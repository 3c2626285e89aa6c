import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { invalidInput, unsupported } from '../../../core/errors.ts'
import type { Build } from '../build.ts'
import { flagText } from '../dockerfile/flags.ts'
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

/** Fetches what an ADD names by its address. Throws DOWNLOAD_FAILED, BAD_CHECKSUM. */
export async function fetchSource(
  { clock, signal }: Build,
  { keyword, flags, target }: InstructionOf<'COPY' | 'ADD'>,
  { url, scratch }: { readonly url: string; readonly scratch: string },
): Promise<Source> {
  if (keyword === 'COPY') throw invalidInput('NO_SUCH_SOURCE', "source can't be a URL for COPY")
  refuseGit(url)
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')
  if (target.endsWith('/') && (name === '' || name === '..' || name.includes('/'))) {
    throw invalidInput('NO_SUCH_SOURCE', `cannot determine filename from url: ${url}`)
  }
  const checksum = readChecksum(flagText(flags, 'checksum'))
  const directory = await mkdtemp(join(scratch, 'url-'))
  const path = join(directory, 'file')
  const { modifiedMs } = await download(url, path, { clock, signal })
  if (checksum !== undefined) await compare(path, checksum, url)
  await utimes(path, modifiedMs / 1_000, modifiedMs / 1_000)
  const [source] = await findSources({ directory, missing: () => `${url} is gone` }, 'file')
  if (source === undefined) throw invalidInput('NO_SUCH_SOURCE', 'no source files were specified')
  return { ...source, name, path: [name], isRemote: true }
}

function readChecksum(text: string | undefined): string | undefined {
  if (text === undefined || /^sha256:[0-9a-f]{64}$/.test(text)) return text
  throw invalidInput('BAD_CHECKSUM', `invalid checksum ${text}: expected sha256: and 64 hexadecimal digits`)
}

async function compare(path: string, wanted: string, url: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const digest = `sha256:${hash.digest('hex')}`
  if (digest !== wanted) {
    throw invalidInput('BAD_CHECKSUM', `digest mismatch ${digest}: ${wanted} was expected of ${url}`)
  }
}
