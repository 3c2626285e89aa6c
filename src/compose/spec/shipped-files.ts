import { ShoalError } from '../../core/errors.ts'
import type { FileSpec } from '../../core/model/service.ts'
import { type Parcel, type ParcelEntry, packParcel } from '../../core/parcel.ts'
import type { Variables } from '../files/environment.ts'
import type { TreeReader } from '../files/tree-reader.ts'
import type { Problem } from '../problem.ts'
import type { SourceIndex } from '../source-index.ts'
import { asList, asText, asTree, type Path, showPath, type Tree } from '../tree.ts'

/** Docker's limits of a secret and a config. */
const BYTES_MAX = { secret: 500 * 1024, config: 1_000 * 1024 } as const
/** What one relative bind mount may hold. */
const SNAPSHOT_BYTES_MAX = 8 * 1024 * 1024
/** What all files of a project may hold once they are packed: they are kept in the store. */
const PROJECT_BYTES_MAX = 4 * 1024 * 1024

interface FileSources {
  readonly model: Tree
  readonly variables: Variables
  readonly sources: SourceIndex
  readonly readTree: TreeReader
}

/**
 * Reads what services need of this machine's files, and tells what they get in their place: secrets, configs, and
 * what relative bind mounts name. Each file is read and packed once.
 */
export class ShippedFiles {
  readonly problems: Problem[] = []
  readonly warnings: string[] = []
  readonly #from: FileSources
  readonly #parcels = new Map<string, Packed | undefined>()

  constructor(from: FileSources) {
    this.#from = from
  }

  /** The packed files, in base64, by id. */
  contents(): Readonly<Record<string, string>> {
    const packed = [...this.#parcels.values()].filter(each => each !== undefined)
    const unique = new Map(packed.map(({ id, bytes }) => [id, bytes]))
    const total = [...unique.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    if (total > PROJECT_BYTES_MAX) {
      const limit = `${PROJECT_BYTES_MAX / 1024 ** 2} MiB`
      this.problems.push({
        message: `The secrets, configs and relative bind mounts of the project come to ${Math.ceil(total / 1024 ** 2)} MiB, and may have ${limit}: put large files into an image or a volume`,
      })
    }
    return Object.fromEntries([...unique].map(([id, bytes]) => [id, Buffer.from(bytes).toString('base64')]))
  }

  /** Everything of this kind that a service names. */
  filesOf(service: string, tree: Tree): readonly FileSpec[] {
    const path = ['services', service]
    return [
      ...this.#grants('secret', asList(tree['secrets']), [...path, 'secrets']),
      ...this.#grants('config', asList(tree['configs']), [...path, 'configs']),
      ...asList(tree['volumes']).flatMap((volume, index) =>
        this.#snapshot(asTree(volume), [...path, 'volumes', String(index)]),
      ),
    ]
  }

  #grants(kind: 'secret' | 'config', grants: readonly unknown[], path: Path): FileSpec[] {
    return grants.flatMap((entry, index): FileSpec[] => {
      const grant = asTree(entry)
      const name = asText(grant['source'])
      const where = [...path, String(index)]
      const parcel = this.#once(`${kind} ${name}`, where, () => this.#grantContent(kind, name))
      if (parcel === undefined) return []
      const numbers = ['uid', 'gid'].flatMap(key => this.#number(grant[key], [...where, key]))
      const mode = grant['mode'] === undefined ? {} : { mode: Number.parseInt(asText(grant['mode']), 8) }
      const target = targetOf(kind, asText(grant['target']) || name)
      return [{ kind, name, id: parcel.id, target, ...Object.fromEntries(numbers), ...mode }]
    })
  }

  #number(value: unknown, path: Path): (readonly [string, number])[] {
    if (value === undefined || asText(value) === '') return []
    if (/^\d+$/.test(asText(value))) return [[path.at(-1) ?? '', Number(asText(value))]]
    const message = `${showPath(path)}: ${asText(value)} is not a number: a name means another user on every host and image`
    this.problems.push({ message, path })
    return []
  }

  #grantContent(kind: 'secret' | 'config', name: string): readonly ParcelEntry[] {
    const section = `${kind}s`
    const tree = asTree(asTree(this.#from.model[section])[name])
    const path = `${section}.${name}`
    for (const key of ['driver', 'template_driver'] as const) {
      if (asText(tree[key]) !== '')
        throw new Refused(`${path}.${key} is not supported: use file, environment or content`)
    }
    if (tree['external'] === true) {
      throw new Refused(
        `${path}.external is not supported: a project's ${section} come with it; use file or environment`,
      )
    }
    const data = this.#bytes(kind, tree, path)
    if (data.length > BYTES_MAX[kind]) {
      throw new Refused(`${path} is too large: a ${kind} has at most ${BYTES_MAX[kind] / 1024} KiB`)
    }
    return [{ path: '', kind: 'file', mode: 0o444, data }]
  }

  #bytes(kind: 'secret' | 'config', tree: Tree, path: string): Uint8Array {
    const { content, environment, file } = tree
    if (typeof content === 'string') return Buffer.from(content)
    if (typeof environment === 'string') {
      const value = this.#from.variables.get(environment)
      if (value !== undefined) return Buffer.from(value)
      throw new Refused(`${path}.environment: the variable ${environment} is not set: set it, or write it into .env`)
    }
    const [entry, ...others] = this.#from.readTree(asText(file), BYTES_MAX[kind]) ?? []
    if (entry === undefined) throw new Refused(`${path}.file: ${asText(file)} does not exist`)
    if (entry.kind === 'file' && others.length === 0) return entry.data
    throw new Refused(`${path}.file: ${asText(file)} is a directory: a ${kind} is one file; use a bind mount`)
  }

  /** What a relative bind mount names is a file here, and a copy of it on the hosts. */
  #snapshot(volume: Tree, path: Path): FileSpec[] {
    const source = asText(volume['source'])
    if (volume['type'] !== 'bind' || !this.#from.sources.isLocalBind(source)) return []
    const name = showPath(path)
    const parcel = this.#once(`bind ${source}`, path, () => {
      const entries = this.#from.readTree(source, SNAPSHOT_BYTES_MAX)
      if (entries !== undefined && (entries.length > 1 || entries[0]?.kind === 'file')) return entries
      const what = entries === undefined ? 'does not exist' : 'is an empty directory'
      throw new Refused(
        `${name}: ${source} ${what}: for data that the container writes use a named volume, or an absolute path of the hosts`,
      )
    })
    if (parcel === undefined) return []
    if (volume['read_only'] !== true && !this.#isPassed(parcel, { source, name, path })) return []
    return [{ kind: 'snapshot', name: source, id: parcel.id, target: asText(volume['target']) }]
  }

  /** Of what is not said to be read-only, a single file passes with a word: it is hardly ever written. */
  #isPassed({ isOneFile }: Packed, { source, name, path }: { source: string; name: string; path: Path }): boolean {
    if (isOneFile) {
      this.warnings.push(
        `${name}: ${source} is shipped to the hosts as a copy that the container cannot write; add :ro`,
      )
      return true
    }
    this.problems.push({
      message: `${name}: ${source} is shipped to the hosts as a copy that the container cannot write: add :ro, or use a named volume for what it writes, or an absolute path of the hosts`,
      path,
    })
    return false
  }

  #once(key: string, path: Path, read: () => readonly ParcelEntry[]): Packed | undefined {
    if (this.#parcels.has(key)) return this.#parcels.get(key)
    let parcel: Packed | undefined
    try {
      const entries = read()
      parcel = { ...packParcel(entries), isOneFile: entries.length === 1 }
    } catch (error) {
      if (!(error instanceof Refused || error instanceof ShoalError)) throw error
      this.problems.push({ message: error.message, path })
    }
    this.#parcels.set(key, parcel)
    return parcel
  }
}

interface Packed extends Parcel {
  readonly isOneFile: boolean
}

/** Something that cannot be shipped, said in words of the compose file. */
class Refused extends Error {
  override readonly name = 'Refused'
}

function targetOf(kind: 'secret' | 'config', target: string): string {
  if (target.startsWith('/')) return target
  return kind === 'secret' ? `/run/secrets/${target}` : `/${target}`
}
