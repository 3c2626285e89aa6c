import { constants, type Dirent } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { conflict, errorCode, errorMessage, invalidInput, notFound } from '../../../core/errors.ts'
import type { Environment } from '../../command.ts'
import { whyNot } from '../../output/file-error.ts'
import { type ContextPlaces, contextPlaces, contextsRoot } from './context-places.ts'
import { CONTEXT_BYTES_MAX, type ContextRecord, contextText, parseContext, type TlsMaterial } from './context-record.ts'

/** A context in the list, or one that cannot be read, and why. */
export type ListedContext = { readonly name: string } & (
  | { readonly record: ContextRecord }
  | { readonly error: string }
)

/** Docker's contexts, in docker's files. */
export class ContextStore {
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** In no order. A broken one hides no other. */
  async list(): Promise<readonly ListedContext[]> {
    const root = contextsRoot(this.#env)
    const found: ListedContext[] = []
    for (const entry of await entriesOf(root)) {
      if (!entry.isDirectory()) continue
      const path = join(root, entry.name, 'meta.json')
      try {
        const text = await readBounded(path)
        if (text === undefined) continue
        const record = parseContext(text.toString(), path)
        const isInPlace = this.places(record.name).metaFile === path
        const error = 'its folder is that of another name'
        found.push(isInPlace ? { name: record.name, record } : { name: record.name, error })
      } catch (error) {
        found.push({ name: entry.name, error: errorMessage(error) })
      }
    }
    return found
  }

  places(name: string): ContextPlaces {
    return contextPlaces(this.#env, name)
  }

  async has(name: string): Promise<boolean> {
    return (await readBounded(this.places(name).metaFile)) !== undefined
  }

  /** Throws NO_SUCH_CONTEXT, BAD_CONTEXT. */
  async load(name: string): Promise<ContextRecord> {
    const { metaFile } = this.places(name)
    const text = await readBounded(metaFile)
    if (text === undefined) {
      const why = `open ${metaFile}: no such file or directory`
      throw notFound('NO_SUCH_CONTEXT', `context ${JSON.stringify(name)}: context not found: ${why}`)
    }
    return { ...parseContext(text.toString(), metaFile), name }
  }

  /** Its certificates and keys; endpoints without any are left out. */
  async loadTls(name: string): Promise<TlsMaterial> {
    const { tls } = this.places(name)
    const material: Record<string, Record<string, Buffer>> = {}
    for (const endpoint of await entriesOf(tls)) {
      if (!endpoint.isDirectory()) continue
      const files: Record<string, Buffer> = {}
      for (const file of await entriesOf(join(tls, endpoint.name))) {
        const content = await readBounded(join(tls, endpoint.name, file.name))
        if (content !== undefined) files[file.name] = content
      }
      if (Object.keys(files).length > 0) material[endpoint.name] = files
    }
    return material
  }

  /** Writes a context that must not be there yet. Throws CONTEXT_EXISTS. */
  async create(record: ContextRecord, tls: TlsMaterial): Promise<void> {
    if (await this.has(record.name)) {
      throw conflict('CONTEXT_EXISTS', `context ${JSON.stringify(record.name)} already exists`)
    }
    await this.save(record, tls)
  }

  /** Certificates first: a context is there when its meta.json is, and then it is whole. Without `tls` they stay as they are. */
  async save(record: ContextRecord, tls?: TlsMaterial): Promise<void> {
    const { meta, metaFile, tls: tlsFolder } = this.places(record.name)
    if (tls !== undefined) await replaceTls(tlsFolder, tls)
    await mkdir(meta, { recursive: true, mode: 0o755 })
    await writeFile(`${metaFile}.new`, contextText(record), { mode: 0o644 })
    await rename(`${metaFile}.new`, metaFile)
  }

  async remove(name: string): Promise<void> {
    const { meta, tls } = this.places(name)
    await rm(meta, { recursive: true, force: true })
    await rm(tls, { recursive: true, force: true })
  }
}

async function replaceTls(folder: string, tls: TlsMaterial): Promise<void> {
  const parent = dirname(folder)
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const next = await mkdtemp(join(parent, '.new-'))
  try {
    for (const [endpoint, files] of Object.entries(tls)) {
      await mkdir(join(next, endpoint), { mode: 0o700 })
      for (const [file, content] of Object.entries(files)) {
        await writeFile(join(next, endpoint, file), content, { mode: 0o600 })
      }
    }
    await rm(folder, { recursive: true, force: true })
    if (Object.keys(tls).length > 0) await rename(next, folder)
  } finally {
    await rm(next, { recursive: true, force: true })
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw invalidInput('BAD_CONTEXT', `Cannot read ${folder}: ${whyNot(error)}`)
  }
}

/** Undefined if there is no such file. Nothing but a file of a sensible size is read. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  try {
    // A pipe in its place would be waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const facts = await file.stat()
      if (!facts.isFile()) throw invalidInput('BAD_CONTEXT', 'it is not a file')
      if (facts.size > CONTEXT_BYTES_MAX)
        throw invalidInput('BAD_CONTEXT', `it is larger than ${CONTEXT_BYTES_MAX} bytes`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw invalidInput('BAD_CONTEXT', `Cannot read ${path}: ${whyNot(error)}`)
  }
}
