import {
  asTree,
  ComposeError,
  type FileProblem,
  type Positions,
  parseYaml,
  positionKey,
  type Tree,
} from '../../../../compose/index.ts'
import { invalidInput } from '../../../../core/errors.ts'
import type { WrittenFlags } from '../../../../machine/index.ts'
import type { Environment } from '../../../command.ts'
import { MACHINE_OPTIONS } from './create-options.ts'
import type { Wanted } from './read-machine.ts'

type FlagType = 'switch' | 'text' | 'list'

/** Flags of `create` that say what a machine is, with what they hold. */
const FLAGS: ReadonlyMap<string, FlagType> = new Map(
  MACHINE_OPTIONS.filter(({ refused }) => refused === undefined).map(({ flags, repeatable }) => {
    const [, name = '', value] = /--([a-z0-9-]+)( <)?/.exec(flags) ?? []
    return [name, value === undefined ? 'switch' : repeatable === true ? 'list' : 'text']
  }),
)

/**
 * Reads the machines of a file for `apply`: under `hosts` their names, each with flags of `create`; what stands under `defaults`
 * holds for all that do not say otherwise. Throws ComposeError, with line and column of all that is wrong.
 */
export function readHostsFile(text: string, file: string, env: Environment): readonly Wanted[] {
  const [document, second] = parseYaml(text, file)
  if (document === undefined) throw invalidInput('BAD_HOSTS_FILE', `${file} is empty: name machines under "hosts:"`)
  if (second !== undefined) throw invalidInput('BAD_HOSTS_FILE', `${file} holds more than one document: keep one`)
  const reader = new HostsReader(document)
  const root = reader.tree(document.value, [])
  reader.known(root, ['hosts', 'defaults'], [])
  const defaults = reader.flags(root['defaults'] ?? {}, ['defaults'])
  const hosts = reader.tree(root['hosts'] ?? {}, ['hosts'])
  if (Object.keys(hosts).length === 0) reader.complain(['hosts'], 'no machines: name some under "hosts:"')
  const wanted = Object.entries(hosts).map(([name, value]) => ({
    name,
    written: writtenIn({ ...defaults, ...reader.flags(value ?? {}, ['hosts', name]) }, env),
  }))
  reader.finish()
  return wanted
}

/** Walks a file, and keeps what is wrong in it. */
class HostsReader {
  readonly #positions: Positions
  readonly #problems: FileProblem[] = []

  constructor(positions: Positions) {
    this.#positions = positions
  }

  complain(path: readonly string[], message: string): void {
    const { file, positions } = this.#positions
    const at = positions.get(positionKey(path)) ?? { line: 1, column: 1 }
    this.#problems.push({ message: `${path.join('.') || file}: ${message}`, at: { file, ...at } })
  }

  tree(value: unknown, path: readonly string[]): Tree {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return asTree(value)
    this.complain(path, 'expected a mapping')
    return {}
  }

  known(tree: Tree, names: readonly string[], path: readonly string[]): void {
    for (const name of Object.keys(tree)) {
      if (!names.includes(name)) this.complain([...path, name], `there is no such key: expected ${names.join(', ')}`)
    }
  }

  flags(value: unknown, path: readonly string[]): Tree {
    const flags = this.tree(value, path)
    for (const [name, held] of Object.entries(flags)) {
      const type = FLAGS.get(name)
      if (type === undefined) this.complain([...path, name], 'there is no such flag of `machine create`')
      else if (!holds(held, type)) this.complain([...path, name], `expected ${EXPECTED[type]}`)
    }
    return flags
  }

  /** Throws ComposeError. */
  finish(): void {
    if (this.#problems.length > 0) throw new ComposeError(this.#problems)
  }
}

const EXPECTED: Readonly<Record<FlagType, string>> = {
  switch: 'true or false',
  text: 'a text or a number',
  list: 'a list of texts',
}

function holds(value: unknown, type: FlagType): boolean {
  if (type === 'switch') return typeof value === 'boolean'
  if (type === 'text') return typeof value === 'string' || typeof value === 'number'
  return Array.isArray(value) && value.every(item => holds(item, 'text'))
}

function writtenIn(flags: Tree, env: Environment): WrittenFlags {
  return {
    text(flag) {
      const value = flags[flag]
      return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
    },
    list(flag) {
      const value = flags[flag]
      return Array.isArray(value) ? value.map(String) : []
    },
    isSet: flag => flags[flag] === true,
    env: name => env[name],
  }
}
