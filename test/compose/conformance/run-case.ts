import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { parse } from 'yaml'
import { type Outcome, runCommand } from '../../cli/support/run.ts'

/** One case: files, and what the reference loader makes of them. `@ROOT@` stands for the directory the files are in. */
export interface ConformanceCase {
  readonly id: string
  /** What the case pins down. */
  readonly why?: string
  /** Below the root. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Flags before the command. */
  readonly args?: readonly string[]
  /** `config` if not given. */
  readonly command?: readonly string[]
  readonly files: Readonly<Record<string, string>>
  readonly mkdirs?: readonly string[]
  readonly symlinks?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** What `config --format json` prints; null: only that it succeeds. */
  readonly model?: unknown
  /** What `config` prints as YAML, where it holds more than the JSON. */
  readonly yaml?: unknown
  /** What a good message has in it. */
  readonly error?: readonly string[]
  readonly stdout?: string
  readonly json?: unknown
  /** The lines of `stdout` are a set. */
  readonly unordered?: boolean
  readonly variants?: readonly {
    readonly id: string
    readonly args: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  }[]
  readonly relations?: readonly {
    readonly a: string
    readonly b: string
    readonly service: string
    readonly hash: 'equal' | 'different'
  }[]
  /** Why what the reference does here may be an accident. */
  readonly quirk?: string | boolean
}

interface Run {
  /** Only these, instead of the arguments and the environment of the case. */
  readonly argv?: readonly string[]
  readonly input?: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Lays a case's files out in a directory of its own, and gives `work` the command to run there. */
export async function inCase<T>(
  one: ConformanceCase,
  work: (compose: (run?: Run) => Promise<Outcome>) => Promise<T>,
): Promise<T> {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'shoal-conformance-')))
  const root = join(top, 'root')
  try {
    layOut(root, one)
    const cwd = normalize(join(root, one.cwd ?? ''))
    return await work(async ({ argv, args = [], command = one.command ?? ['config'], env = {}, input } = {}) => {
      const { code, stdout, stderr } = await runCommand(argv ?? [...(one.args ?? []), ...args, ...command], {
        cwd,
        env: { HOME: '/home/tester', PWD: cwd, ...(argv === undefined ? one.env : {}), ...env },
        input: (input ?? one.stdin ?? '').replaceAll('@ROOT@', root),
      })
      return { code, stdout: stdout.replaceAll(root, '@ROOT@'), stderr: stderr.replaceAll(root, '@ROOT@') }
    })
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}

function layOut(root: string, { files, mkdirs = [], symlinks = {} }: ConformanceCase): void {
  mkdirSync(root)
  for (const directory of mkdirs) mkdirSync(join(root, directory), { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, target] of Object.entries(symlinks)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(target, join(root, path))
  }
}

/** YAML as a reader of YAML 1.1 takes it, which is what most tools behind `config` are. */
export function readYaml(text: string): unknown {
  return parse(text.replaceAll('@ROOT@', '/ROOT'), { version: '1.1' })
}

const SECTIONS = ['networks', 'volumes', 'secrets', 'configs', 'models']

/** What may differ in form and mean the same: absent sections, an empty ipam, an unset command, the order of hosts. */
export function normal(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) {
    const items = value.map(item => normal(item, [...path, '[]']))
    return path.at(-1) === 'extra_hosts' ? items.map(String).toSorted((a, b) => a.localeCompare(b)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key, field]) => {
    if (field === null) return !(path.length === 2 && (key === 'command' || key === 'entrypoint'))
    const empty = typeof field === 'object' && !Array.isArray(field) && Object.keys(field as object).length === 0
    return !(empty && (key === 'ipam' || (path.length === 0 && SECTIONS.includes(key))))
  })
  return Object.fromEntries(kept.map(([key, field]) => [key, normal(field, [...path, key])]))
}

/** Without what the reference's JSON leaves out and its YAML has: extensions in services, and models. */
export function asReferenceJson(got: unknown, expected: unknown, depth = 0): unknown {
  if (Array.isArray(got) && Array.isArray(expected)) {
    return got.map((item, index) => asReferenceJson(item, expected[index], depth + 1))
  }
  if (!isMapping(got) || !isMapping(expected)) return got
  const kept = Object.entries(got).filter(
    ([key]) => key in expected || !(key.startsWith('x-') || (depth === 0 && key === 'models')),
  )
  return Object.fromEntries(kept.map(([key, field]) => [key, asReferenceJson(field, expected[key], depth + 1)]))
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
