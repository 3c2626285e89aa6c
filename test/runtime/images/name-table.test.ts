import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { NameTable } from '../../../src/runtime/images/store/name-table.ts'

const NAME = 'docker.io/library/app:latest'
let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-names-'))
  path = join(directory, 'references.json')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

it('tells when an image was last given a name, also if it had that name already', async () => {
  const clock = new ManualClock(1_000)
  const table = await NameTable.open(path, clock, () => true)
  await table.change(names => names.set(NAME, 'a'))
  expect(table.lastGivenMs('a')).toBe(1_000)
  await clock.advance(500)
  await table.change(names => names.set(NAME, 'a'))
  expect(table.lastGivenMs('a')).toBe(1_500)
  await table.change(names => names.set(NAME, 'b'))
  expect(table.lastGivenMs('a')).toBeUndefined()
  expect(table.of('b')).toEqual([NAME])
})

it('is the same after it was read again, without names of images that are gone', async () => {
  const clock = new ManualClock(1_000)
  const before = await NameTable.open(path, clock, () => true)
  await before.change(names => {
    names.set(NAME, 'a')
    names.set('docker.io/library/gone:1', 'b')
  })
  const after = await NameTable.open(path, clock, id => id === 'a')
  expect(after.get(NAME)).toBe('a')
  expect(after.lastGivenMs('a')).toBe(1_000)
  expect(after.get('docker.io/library/gone:1')).toBeUndefined()
})

it('reads the first format, which knew no times', async () => {
  writeFileSync(path, JSON.stringify({ [NAME]: 'a' }))
  const table = await NameTable.open(path, new ManualClock(), () => true)
  expect(table.get(NAME)).toBe('a')
  expect(table.lastGivenMs('a')).toBe(0)
})

it('says what to do with a file that cannot be read', async () => {
  writeFileSync(path, '{')
  await expect(NameTable.open(path, new ManualClock(), () => true)).rejects.toMatchObject({
    code: 'BAD_RECORD',
    message: expect.stringContaining(path) as unknown,
  })
})
