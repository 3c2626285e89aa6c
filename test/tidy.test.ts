import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

/** Folder -> folders it may import. A folder that is not a key here does not exist. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  scheduler: ['core'],
  compose: ['core'],
  discovery: ['core'],
  'docker-api': ['core'],
  trust: ['core'],
  runtime: ['docker-api', 'core'],
  'node-agent': ['runtime', 'discovery', 'docker-api', 'trust', 'core'],
  manager: ['scheduler', 'compose', 'discovery', 'docker-api', 'trust', 'core'],
  machine: ['trust', 'core'],
  cli: ['compose', 'machine', 'docker-api', 'trust', 'core'],
  sim: ['manager', 'node-agent', 'discovery', 'scheduler', 'docker-api', 'core'],
  dashboard: [],
  main: [
    'core',
    'scheduler',
    'compose',
    'discovery',
    'docker-api',
    'trust',
    'runtime',
    'node-agent',
    'manager',
    'machine',
    'cli',
    'sim',
  ],
}

/** Pure folders: no I/O and no promises in them. */
const PURE = ['scheduler']

/** A banned call, where it is allowed, and what to use instead. */
const BANNED: readonly { readonly pattern: RegExp; readonly allowed: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(|\bperformance\.now\(/, allowed: /^src\/core\/clock\.ts$/, instead: 'the Clock port' },
  { pattern: /\bset(Timeout|Interval)\(/, allowed: /^src\/core\/clock\.ts$/, instead: 'Clock.setTimer or sleep()' },
  { pattern: /\bAbortSignal\.timeout\(/, allowed: /^$/, instead: 'withDeadline() or Clock.setTimer' },
  {
    pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    allowed: /^src\/core\/random\.ts$/,
    instead: 'the Random port',
  },
  { pattern: /\bconsole\.\w+\(/, allowed: /^$/, instead: 'the Log port, or the output passed to a command' },
  { pattern: /\bprocess\.env\b/, allowed: /^src\/main\//, instead: 'an option given by main/' },
  { pattern: /\bprocess\.exit\(/, allowed: /^src\/main\//, instead: 'a returned exit code' },
  { pattern: /^export \* from/m, allowed: /^$/, instead: 'named exports' },
]

const LINES_MAX = 400

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => ({ file: join('src', path), text: readFileSync(join('src', path), 'utf8') }))

const importsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)\b[^'"]*?(?:from )?'(\.[^']+)'/gm)].map(match => match[1] ?? '')

function importComplaint(file: string, spec: string): string | undefined {
  const target = normalize(join(dirname(file), spec))
  const [, from = ''] = file.split('/')
  const [, to = ''] = target.split('/')
  if (to === from) return undefined
  if (!(MAY_IMPORT[from] ?? []).includes(to)) return `${file}: ${from} must not import ${to}`
  const open = to === 'core' || target.startsWith('src/runtime/linux/') || target.endsWith('/index.ts')
  return open ? undefined : `${file}: enter ${to} through its index.ts, not ${target}`
}

it('every folder is on the map', () => {
  const folders = new Set(sources.map(({ file }) => file.split('/')[1] ?? ''))
  expect([...folders].filter(folder => !(folder in MAY_IMPORT))).toEqual([])
})

it('imports point one way and enter a folder through its index', () => {
  const complaints = sources.flatMap(({ file, text }) =>
    importsOf(text).flatMap(spec => importComplaint(file, spec) ?? []),
  )
  expect(complaints).toEqual([])
})

it('no import cycles', () => {
  const graph = new Map(
    sources.map(({ file, text }) => [file, importsOf(text).map(spec => normalize(join(dirname(file), spec)))]),
  )
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ')
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file])
      if (cycle !== undefined) return cycle
    }
    done.add(file)
    return undefined
  }
  expect(sources.flatMap(({ file }) => visit(file, []) ?? [])).toEqual([])
})

it('pure folders stay pure', () => {
  const impure = sources.filter(
    ({ file, text }) => PURE.includes(file.split('/')[1] ?? '') && /\basync\b|\bawait\b|'node:/.test(text),
  )
  expect(impure.map(({ file }) => file)).toEqual([])
})

it('time, chance, the environment and the console are reached through ports', () => {
  const complaints = sources.flatMap(({ file, text }) =>
    BANNED.filter(({ pattern, allowed }) => pattern.test(text) && !allowed.test(file)).map(
      ({ pattern, instead }) => `${file}: ${pattern.source} is banned, use ${instead}`,
    ),
  )
  expect(complaints).toEqual([])
})

it('no file is longer than a head can hold', () => {
  const long = sources.filter(({ text }) => text.split('\n').length > LINES_MAX)
  expect(long.map(({ file }) => file)).toEqual([])
})
