import { parse } from 'yaml'
import { ShoalError } from '../../../src/core/errors.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { load } from '../load.ts'

/** What is mutated: small files that between them touch every rule of the loader. */
const SEEDS: readonly string[] = [
  'services:\n  web:\n    image: "web:${TAG:-1}"\n    ports: ["80-82:80-82/udp", "127.0.0.1::90", {target: 1, published: 2}]\n    volumes: [./a:/b:ro, "data:/d", {type: tmpfs, target: /t, tmpfs: {size: 1g}}]\nvolumes: {data: {}}\n',
  'x-a: &a {image: a, labels: [b=c]}\nservices:\n  one: {<<: *a, depends_on: [two]}\n  two: {<<: [*a, *a], environment: {A: "$B", C: null}}\n',
  'services:\n  a: {extends: b, command: echo "x y" && z}\n  b: {extends: {service: c}, healthcheck: {test: curl, interval: 1m30s}}\n  c: {build: ., deploy: {resources: {limits: {cpus: "0.5", memory: 10m}}}}\n',
  'services:\n  a: !override {image: a}\n  b: !reset null\n  c: {image: c, networks: {n: {aliases: [x]}}, secrets: [s], configs: [{source: k, mode: 0440}]}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}\nsecrets: {s: {file: ./s}}\nconfigs: {k: {content: "${X-y}"}}\n',
  'name: "p${N:+q}"\ninclude: [part.yaml]\nservices:\n  "x-y": {image: !!str 1, extra_hosts: {h: 1.1.1.1}, ulimits: {nofile: {soft: 1, hard: 2}}, tty: yes}\n---\nservices: {z: {image: z, network_mode: "service:x-y"}}\n',
  '{"services": {"j": {"image": "j", "devices": ["/dev/a:/dev/b:rw"], "gpus": "all", "volumes_from": ["j"]}}}',
]

const TREES: readonly unknown[] = SEEDS.map(seed => {
  return parse(seed.split('---\n')[0] ?? '', { merge: true, logLevel: 'silent' })
})

const OTHER_FILES: readonly string[] = [
  'services: {p: {image: p}}\n',
  'include: [compose.yaml]\n',
  'services: {p: {extends: {file: compose.yaml, service: web}}}\n',
]

const ENV_FILES: readonly string[] = ['A=1\nB="x ${A}"\n', "TAG='2\n3'\nexport N=1 # c\n", 'X: y\nBARE\n']

/** Pieces that mean something somewhere. */
const WORDS: readonly string[] = [
  '__proto__ constructor prototype toString hasOwnProperty services extends include x- image build volumes ports deploy networks',
  '${ } $$ $A ${A:-${B}} ${A:?e} <<: &a *a !reset !override !!binary ? : - { } [ ] , \' " | >- # --- ...',
  '\0 \x1b[2J \uFEFF \u2028 \uD83D 1e999 -0 0x 0o9 .nan 1_0 ~ null yes true 0 -1 0.5 1.5.2',
  '65536 1-99999 80:80 [::1]:1:1 9999999999999999999999 1z 10m 3w2d 30s C:\\x / .. ./a:/b:rw ~/ service:a a=b a:b host',
]
  .flatMap(line => line.split(' '))
  .concat('\n', '\n  ', '\n    ', '\t', ': ', '- ', ', ', '')

export interface FuzzInput {
  readonly files: Readonly<Record<string, string>>
  readonly isInterpolated: boolean
}

type Below = (limit: number) => number

/** The input of a number: the same each time. */
export function fuzzInput(seed: number): FuzzInput {
  const random = seededRandom(seed)
  const below: Below = limit => Math.floor(random.next() * limit)
  return {
    files: {
      'compose.yaml': project(below),
      'compose.override.yaml': below(3) === 0 ? project(below) : 'services: {}\n',
      'part.yaml': below(20) === 0 ? mutated(pick(OTHER_FILES, below), below) : (OTHER_FILES[0] ?? ''),
      '.env': below(20) === 0 ? mutated(pick(ENV_FILES, below), below) : (ENV_FILES[0] ?? ''),
    },
    isInterpolated: below(8) > 0,
  }
}

/** Mostly a project of clean syntax with odd values in odd places; sometimes odd text. */
function project(below: Below): string {
  const seed = below(SEEDS.length)
  if (below(4) === 0) return mutated(SEEDS[seed] ?? '', below)
  let tree = TREES[seed]
  for (let left = 1 + below(4); left > 0; left--) tree = graft(tree, below)
  return JSON.stringify(tree)
}

/** The tree with another value, or another key, somewhere. */
function graft(tree: unknown, below: Below, depth = 0): unknown {
  if (typeof tree !== 'object' || tree === null || below(4) < depth - 2) return oddValue(tree, below)
  if (Array.isArray(tree)) {
    const at = below(tree.length + (depth > 1 ? 1 : 0))
    return [...tree.slice(0, at), graft(tree[at], below, depth + 1), ...tree.slice(at + 1)]
  }
  const entries = Object.entries(tree)
  const at = below(entries.length + (depth > 1 ? 1 : 0))
  const [key, value] = entries[at] ?? [pick(WORDS, below), null]
  const changed = [depth > 1 && below(10) === 0 ? pick(WORDS, below) : key, graft(value, below, depth + 1)] as const
  return Object.fromEntries([...entries.slice(0, at), changed, ...entries.slice(at + 1)])
}

function oddValue(before: unknown, below: Below): unknown {
  const word = pick(WORDS, below)
  const odd = [
    word,
    `${typeof before === 'string' ? before : ''}${word}`,
    [before],
    { [word]: before },
    null,
    below(100_000),
    -0.5,
    true,
    [word, word],
  ]
  return odd[below(odd.length)]
}

function pick(from: readonly string[], below: Below): string {
  return from[below(from.length)] ?? ''
}

function mutated(text: string, below: Below): string {
  let changed = text
  for (let left = 1 + below(4); left > 0; left--) {
    const at = below(changed.length + 1)
    const end = Math.min(changed.length, at + below(8))
    const piece = below(3) === 0 ? changed.slice(below(changed.length + 1)).slice(0, 30) : pick(WORDS, below)
    // Most changes keep the lines as they are, so that what is behind the parser is reached too.
    changed = `${changed.slice(0, at)}${piece}${changed.slice(below(2) === 0 ? at : end)}`
  }
  return changed
}

/** What must never happen, or undefined: only errors meant for people, and no trace outside the model. */
export function fuzzOne(seed: number): string | undefined {
  const { files, isInterpolated } = fuzzInput(seed)
  try {
    const skip = new Set(isInterpolated ? [] : (['interpolate'] as const))
    const project = load(files, { env: { HOME: '/home/me', A: 'a' }, skip })
    JSON.stringify(project.model)
  } catch (error) {
    if (!(error instanceof ShoalError)) return `seed ${seed}: ${String(error)}`
    if (/[^\P{Cc}\n]/u.test(error.message))
      return `seed ${seed}: control characters in ${JSON.stringify(error.message)}`
  }
  return isPolluted() ? `seed ${seed}: the prototype of all objects was changed` : undefined
}

const OWN = Object.getOwnPropertyNames(Object.prototype).length

function isPolluted(): boolean {
  for (const key in {}) return key !== ''
  return Object.getOwnPropertyNames(Object.prototype).length !== OWN
}
