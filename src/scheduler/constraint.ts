import { badExpression, parseExpression } from './expression.ts'
import type { SchedulableNode } from './node.ts'
import { compileGlob, compilePattern, type Matcher } from './pattern.ts'

export interface Constraint {
  readonly expression: string
  /** Soft: a wish. */
  readonly soft: boolean
  /** It asks for a name or an id, so that nodes with equal labels may differ. */
  readonly isAboutOneNode: boolean
  readonly holds: (node: SchedulableNode) => boolean
}

/**
 * Reads a placement constraint: swarm mode's (`node.labels.disk == ssd`, `node.hostname`, `node.id`, `node.platform.os`,
 * `node.platform.arch`, `engine.labels.x`) or classic Swarm's (`storage==ssd`, `node==n1`, `region!=~us*`).
 *
 * Values may be globs (`us*`) or expressions (`/web[0-9]+/`, found anywhere). Swarm mode's keys compare without regard to
 * case, classic ones with it, each as in its origin; a label that is missing is an empty text. Classic names are engine
 * labels, then the operator's. Throws BAD_CONSTRAINT with classic Swarm's sentences.
 */
export function parseConstraint(expression: string): Constraint {
  const { key, soft, value, equal } = parseExpression(expression)
  const lower = key.toLowerCase()
  const modern = lower.startsWith('node.') || lower.startsWith('engine.labels.')
  const candidates = candidatesOf(key)
  const matches = valueMatcher(value, modern)
  const isAboutOneNode = ABOUT_ONE_NODE.includes(modern ? lower : key)
  return { expression, soft, isAboutOneNode, holds: node => candidates(node).some(matches) === equal }
}

const ABOUT_ONE_NODE: readonly string[] = ['node', 'node.id', 'node.hostname']

/** What nodes have for a key of constraints. Throws BAD_CONSTRAINT for a key that there is not. */
export function candidatesOf(key: string): Candidates {
  const lower = key.toLowerCase()
  return lower.startsWith('node.') || lower.startsWith('engine.labels.') ? modernKey(key) : classicKey(key)
}

type Candidates = (node: SchedulableNode) => readonly string[]

const MODERN: Readonly<Record<string, Candidates>> = {
  'node.id': node => [node.id],
  'node.hostname': node => [node.name],
  // Shoal's managers run no tasks, so every node is what swarm mode calls a worker.
  'node.role': () => ['worker'],
  'node.platform.os': node => [node.platform.os],
  'node.platform.arch': node => archNames(node.platform.arch),
}

function modernKey(key: string): Candidates {
  const known = MODERN[key.toLowerCase()]
  if (known !== undefined) return known
  const [, where = '', label = ''] = /^(node|engine)\.labels\.(.+)$/i.exec(key) ?? []
  if (label === '') {
    const known = [...Object.keys(MODERN), 'node.labels.NAME', 'engine.labels.NAME'].join(', ')
    throw badExpression(`Key '${key}' is invalid: known are ${known}`)
  }
  const engine = where.toLowerCase() === 'engine'
  return node => [(engine ? node.engineLabels : node.labels)[label] ?? '']
}

function classicKey(key: string): Candidates {
  if (key === 'node') return node => [node.id, node.name]
  return node => [node.engineLabels[key] ?? node.labels[key] ?? standardLabel(node, key)]
}

function standardLabel(node: SchedulableNode, key: string): string {
  return key === 'ostype' ? node.platform.os : ''
}

/** One machine, two names: the kernel's and Docker's. */
const ARCH_ALIASES: readonly (readonly string[])[] = [
  ['amd64', 'x86_64'],
  ['arm64', 'aarch64'],
  ['386', 'i386', 'i686'],
]

function archNames(arch: string): readonly string[] {
  return ARCH_ALIASES.find(names => names.includes(arch)) ?? [arch]
}

/** A value as a test of candidates: an expression between slashes, otherwise a glob. */
export function valueMatcher(value: string, ignoreCase: boolean): Matcher {
  if (value.length > 1 && value.startsWith('/') && value.endsWith('/')) return compilePattern(value.slice(1, -1))
  if (ignoreCase) {
    if (value.includes('*')) return compilePattern(`(?i)^${value.split('*').map(escapeText).join('.*')}$`)
    const wanted = value.toLowerCase()
    return text => text.toLowerCase() === wanted
  }
  if (/^[\w:\-\s]*$/.test(value)) return text => text === value
  return compileGlob(value)
}

function escapeText(text: string): string {
  return text.replace(/[^a-z0-9_\s]/gi, '\\$&')
}
