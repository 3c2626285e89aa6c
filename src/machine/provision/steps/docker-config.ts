import { conflict } from '../../../core/errors.ts'
import { familyOf } from '../../hosts/os-table.ts'
import type { HostFacts } from '../facts/host-facts.ts'
import { DOCKER_CONFIG } from '../host-paths.ts'
import type { Scene } from '../step.ts'
import type { WishedFile } from '../wish.ts'
import { addToList, takeFromList } from './json-lists.ts'

const LISTS = ['insecure-registries', 'registry-mirrors', 'labels'] as const

type ListName = (typeof LISTS)[number]
type Lists = Readonly<Record<ListName, readonly string[]>>
type Config = Readonly<Record<string, unknown>>

const NOTHING: Lists = { 'insecure-registries': [], 'registry-mirrors': [], labels: [] }
const EMPTY = '{}\n'

/**
 * Docker's configuration with what the machine's record adds, and without what an earlier one added; undefined: it is as it is to be. What
 * else stands there stays as it is, to the last sign. Throws BAD_DOCKER_CONFIG for one that cannot be read, or that says otherwise.
 */
export function dockerConfigFile({ facts, wish: { machine } }: Scene): WishedFile | undefined {
  const wanted = wantedOf(machine)
  checkLabels(facts, wanted)
  return fileWith(facts, wanted)
}

/** What our entries in it are once it is written, by its lists; absent: none. Kept on the host, so that they can be taken out again. */
export function dockerEntries({ facts, wish: { machine } }: Scene): Partial<Lists> | undefined {
  const wanted = wantedOf(machine)
  const before = facts.dockerConfig === undefined ? {} : parse(facts.dockerConfig)
  const ours = LISTS.flatMap(key => {
    const words = wanted[key].filter(word => oursIn(facts, key).includes(word) || !listOf(before, key).includes(word))
    return words.length === 0 ? [] : [[key, words] as const]
  })
  return ours.length === 0 ? undefined : Object.fromEntries(ours)
}

/** No Docker answers, and it is one that we install, or that an earlier run installed and did not come to start. */
export function isOursToStart({ docker, missing, os, owner }: HostFacts): boolean {
  const name = familyOf(os)?.packages.docker ?? ''
  return docker === undefined && (missing.has('docker') || owner.installed?.includes(name) === true)
}

/** Docker's configuration without any entry of ours; undefined: there is none. One that cannot be read is left to its owner. */
export function dockerConfigWithoutOurs(facts: HostFacts): WishedFile | undefined {
  try {
    return fileWith(facts, NOTHING)
  } catch {
    return undefined
  }
}

function wantedOf({ engine }: Scene['wish']['machine']): Lists {
  if (engine.kind !== 'docker') return NOTHING
  return {
    'insecure-registries': engine.insecureRegistries,
    'registry-mirrors': engine.registryMirrors,
    labels: Object.entries(engine.labels).map(([key, value]) => `${key}=${value}`),
  }
}

function fileWith(facts: HostFacts, wanted: Lists): WishedFile | undefined {
  const before = facts.dockerConfig ?? EMPTY
  if (LISTS.every(key => wanted[key].length === 0 && oursIn(facts, key).length === 0)) return undefined
  const config = parse(before)
  const content = LISTS.reduce((text, key) => {
    const stale = oursIn(facts, key).filter(word => !wanted[key].includes(word))
    const added = wanted[key].filter(word => !listOf(config, key).includes(word))
    return addToList(takeFromList(text, key, stale), key, added)
  }, before)
  return content === before ? undefined : { path: DOCKER_CONFIG, mode: 'kept', content }
}

/** Docker has one value for a label, and does not start with two. */
function checkLabels(facts: HostFacts, { labels }: Lists): void {
  if (labels.length === 0) return
  const theirs = listOf(parse(facts.dockerConfig ?? EMPTY), 'labels').filter(
    word => !oursIn(facts, 'labels').includes(word),
  )
  const clash = theirs.find(word => labels.some(label => label !== word && keyOf(label) === keyOf(word)))
  if (clash === undefined) return
  throw conflict(
    'BAD_DOCKER_CONFIG',
    `${DOCKER_CONFIG} on the host has the label ${clash} already: take it out there, or leave ${keyOf(clash)} out of --engine-label`,
  )
}

function keyOf(label: string): string {
  return label.split('=', 1)[0] ?? ''
}

function oursIn({ owner }: HostFacts, key: ListName): readonly string[] {
  const words: unknown = owner.docker?.[key]
  return stringsIn(words)
}

function stringsIn(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.filter(each => typeof each === 'string')
}

/** Throws BAD_DOCKER_CONFIG where something else than a list stands. */
function listOf(config: Config, key: ListName): readonly string[] {
  const list = config[key] ?? []
  if (Array.isArray(list)) return stringsIn(list)
  throw conflict(
    'BAD_DOCKER_CONFIG',
    `"${key}" in ${DOCKER_CONFIG} on the host is no list: mend it, as Docker cannot start with it either`,
  )
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
