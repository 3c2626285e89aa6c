import { readdirSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { asReferenceJson, type ConformanceCase, inCase, normal, readYaml } from './run-case.ts'

const FOLDER = resolve('test/golden/conformance')

/** Cases where we do something else on purpose; the reasons are in the folder's README. */
const DEPARTURES = new Set(['command/operators-and-backticks'])

const FILES = readdirSync(FOLDER).filter(name => name.endsWith('.json'))

describe.each(FILES.map(name => basename(name, '.json')))('%s', category => {
  const cases = JSON.parse(readFileSync(`${FOLDER}/${category}.json`, 'utf8')) as readonly ConformanceCase[]

  for (const one of cases.filter(({ id }) => !DEPARTURES.has(`${category}/${id}`))) {
    it(`${one.id}: ${one.why ?? 'as the reference does'}`, () => expectAsReference(one))
  }
})

async function expectAsReference(one: ConformanceCase): Promise<void> {
  if (one.relations !== undefined) return expectRelations(one)
  if (one.error !== undefined) return expectRefused(one, one.error)
  if (one.model !== undefined) return expectModel(one)
  const { code, stdout, stderr } = await inCase(one, compose => compose())
  expect(code, stderr).toBe(0)
  if (one.stdout === undefined) expect(normal(JSON.parse(stdout))).toEqual(normal(one.json))
  else expect(linesOf(stdout, one)).toEqual(linesOf(one.stdout, one))
}

async function expectModel(one: ConformanceCase): Promise<void> {
  await inCase(one, async compose => {
    const command = one.command ?? ['config']
    const json = await compose({ command: [...command, '--format', 'json'] })
    expect(json.code, json.stderr).toBe(0)
    if (one.model === null) return
    const expected = normal(one.model)
    expect(asReferenceJson(normal(JSON.parse(json.stdout)), expected)).toEqual(expected)
    const yaml = await compose({ command })
    const wanted = normal(one.yaml ?? one.model)
    expect(normal(JSON.parse(JSON.stringify(readYaml(yaml.stdout)).replaceAll('/ROOT', '@ROOT@')))).toEqual(wanted)
    // What some flags leave out is not there to be read again.
    if (command.length > 1) return
    const kept = (one.args ?? []).filter(flag => flag === '--all-resources')
    const again = await compose({ argv: [...kept, '--profile', '*', '-f', '-', 'config'], input: yaml.stdout })
    expect(again.stdout, again.stderr).toBe(yaml.stdout)
  })
}

async function expectRefused(one: ConformanceCase, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await inCase(one, compose => compose())
  expect(code).toBe(1)
  const shown = `${stdout}${stderr}`.toLowerCase()
  for (const word of words) expect(shown).toContain(word.toLowerCase())
}

async function expectRelations(one: ConformanceCase): Promise<void> {
  const hashes = await inCase(one, async compose => {
    const found = new Map<string, string>()
    for (const { id, args, env = {} } of one.variants ?? []) {
      const { code, stdout, stderr } = await compose({ args, env })
      expect(code, stderr).toBe(0)
      for (const line of stdout.trim().split('\n')) {
        const [service = '', hash = ''] = line.split(' ')
        found.set(`${id} ${service}`, hash)
      }
    }
    return found
  })
  const told = (one.relations ?? []).map(({ a, b, service, ...rest }) => {
    const same = hashes.get(`${a} ${service}`) === hashes.get(`${b} ${service}`)
    return { a, b, service, ...rest, hash: same ? 'equal' : 'different' }
  })
  expect(told).toEqual(one.relations)
}

function linesOf(text: string, { unordered }: ConformanceCase): readonly string[] {
  const lines = text
    .trim()
    .split('\n')
    .map(line => line.trimEnd())
  return unordered === true ? lines.toSorted() : lines
}
