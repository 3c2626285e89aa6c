import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMPOSE_SHAPE } from '../../src/compose/schema/compose-shape.ts'
import type { Shape } from '../../src/compose/schema/shape.ts'

const ROOT = resolve('test/golden/compose')

/** Where the sections of a file have their folder; those of a service have it under their own name. */
const SECTIONS: Readonly<Record<string, string>> = {
  configs: 'top-configs',
  include: 'rule-include',
  models: 'top-models',
  name: 'top-name',
  networks: 'top-networks',
  secrets: 'top-secrets',
  version: 'rule-version',
  volumes: 'top-volumes',
}

/** Sections of the reference's tables of the loader, each with the folders that hold it. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'files and project directory': ['discovery', 'parent-directory', 'many-files', 'standard-input'],
  'files named elsewhere': ['compose-file-variable', 'project-directory'],
  'project name': ['project-name-flag', 'project-name-variable', 'project-name-file'],
  'version and extensions': ['version', 'extensions'],
  environment: ['dotenv-precedence', 'env-file-flag', 'dotenv-disabled', 'dotenv-grammar'],
  interpolation: ['interpolation', 'interpolation-places', 'interpolation-everywhere', 'casts', 'no-interpolate'],
  YAML: ['yaml-numbers', 'yaml-words', 'merge-keys', 'reset', 'override-tag', 'other-tags', 'documents', 'json'],
  'extends, include, profiles': ['extends-chain', 'include', 'profiles', 'profiles-named'],
  merging: ['merge-replaced', 'merge-by-key', 'merge-lists', 'merge-forms', 'merge-logging', 'merge-unique'],
  'canonical form': ['normalise', 'path-forms', 'paths', 'sizes', 'durations'],
}

/** Every class of mistake, with the folders that show its message. */
const MISTAKES: Readonly<Record<string, readonly string[]>> = {
  unreadable: ['unreadable', 'missing-file'],
  'endless file': ['huge', 'huge-parts'],
  'not YAML': ['yaml', 'tabs', 'unquoted-colon', 'list'],
  'wrong type': ['wrong-type', 'numbers'],
  'unknown key': ['unknown-key', 'proto'],
  duplicate: ['duplicate-key', 'duplicate-item', 'duplicate-mount'],
  'required variable': ['required-variable'],
  'bad port': ['ports', 'ports-long'],
  'bad duration': ['durations', 'durations-text'],
  'bad size': ['sizes'],
  'empty variable': ['empty-variables'],
  cycle: ['cycle-extends', 'cycle-include', 'cycle-depends-on', 'alias-circle'],
  undefined: ['undefined'],
  remote: ['remote', 'remote-file'],
  bomb: ['bomb', 'deep'],
  'control characters': ['control-characters', 'names'],
}

/** The names of all attributes below a shape; what authors name themselves is not among them. */
function fieldNames(shape: Shape): readonly string[] {
  switch (shape.kind) {
    case 'record':
      return Object.entries(shape.fields).flatMap(([name, field]) => [name, ...fieldNames(field)])
    case 'dictionary':
      return fieldNames(shape.value)
    case 'list':
      return fieldNames(shape.item)
    case 'either':
      return shape.shapes.flatMap(fieldNames)
    default:
      return []
  }
}

function serviceFields(): readonly (readonly [name: string, field: Shape])[] {
  const services = COMPOSE_SHAPE.fields['services']
  const service = services?.kind === 'dictionary' ? services.value : undefined
  return service?.kind === 'record' ? Object.entries(service.fields) : []
}

const sections = Object.entries(COMPOSE_SHAPE.fields).filter(([name]) => name !== 'services')
const attributes = [...serviceFields(), ...sections.map(([name, field]) => [SECTIONS[name] ?? name, field] as const)]

const everything = readdirSync(ROOT).map(inputOf).join('')

function inputOf(folder: string): string {
  const file = `${ROOT}/${folder}/compose.yaml`
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function lacks(text: string, name: string): boolean {
  return !new RegExp(`\\b${name}\\b`).test(text)
}

it.each(attributes)('%s has a golden folder, and its parts stand in one', (folder, field) => {
  expect(lacks(inputOf(folder), folder.replace(/^(?:top|rule)-/, ''))).toBe(false)
  expect(existsSync(`${ROOT}/${folder}/expected.yaml`)).toBe(true)
  expect(fieldNames(field).filter(name => lacks(everything, name))).toEqual([])
})

it('knows the attributes of a service', () => expect(serviceFields().length).toBeGreaterThan(90))

describe.each(Object.entries(RULES))('the rules of %s', (_section, rules) => {
  it.each(rules)('%s has a golden folder', rule => {
    const files = readdirSync(`${ROOT}/rule-${rule}`)
    expect(files.some(file => file.startsWith('expected.'))).toBe(true)
  })
})

describe.each(Object.entries(MISTAKES))('%s', (_class, folders) => {
  it.each(folders)('%s has a golden folder', folder => {
    expect(existsSync(`${ROOT}/errors-${folder}/expected.txt`)).toBe(true)
  })
})
