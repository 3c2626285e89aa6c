import { canonicalJson } from '../../../core/digest.ts'
import { conflict } from '../../../core/errors.ts'
import { DOCKER_CONFIG } from '../host-paths.ts'
import type { Scene } from '../step.ts'
import type { WishedFile } from '../wish.ts'

const LISTS = ['insecure-registries', 'registry-mirrors', 'labels'] as const

type Config = Readonly<Record<string, unknown>>

/**
 * Docker's configuration with what the machine's record adds; undefined: nothing is to be added. What stands there stays as it is:
 * only lists grow. Throws BAD_DOCKER_CONFIG for one that cannot be read.
 */
export function dockerConfigFile({ facts, wish: { machine } }: Scene): WishedFile | undefined {
  const { kind, labels, insecureRegistries, registryMirrors } = machine.engine
  if (kind !== 'docker') return undefined
  const added: Record<(typeof LISTS)[number], readonly string[]> = {
    'insecure-registries': insecureRegistries,
    'registry-mirrors': registryMirrors,
    labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  }
  const before = parse(facts.dockerConfig ?? '{}')
  const grown = LISTS.flatMap(key => (added[key].length === 0 ? [] : [[key, grow(before[key], added[key])] as const]))
  const after = { ...before, ...Object.fromEntries(grown) }
  if (canonicalJson(after) === canonicalJson(before)) return undefined
  return { path: DOCKER_CONFIG, mode: 'kept', content: `${JSON.stringify(after, undefined, 2)}\n` }
}

function grow(list: unknown, added: readonly string[]): unknown[] {
  const before: readonly unknown[] = Array.isArray(list) ? list : []
  return [...before, ...added.filter(each => !before.includes(each))]
}

function parse(text: string): Config {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Config
  } catch {
    // Told below.
  }
  throw conflict(
    'BAD_DOCKER_CONFIG',
    `${DOCKER_CONFIG} on the host is no JSON object: mend it, as Docker cannot start with it either`,
  )
}
