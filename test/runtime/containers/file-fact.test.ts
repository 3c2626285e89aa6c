import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileFact } from '../../../src/runtime/containers/monitor/file-fact.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-fact-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('finds a fact out once for each file, and again after a failure', async () => {
  const path = join(folder, 'program')
  writeFileSync(path, 'one')
  let asked = 0
  let broken = false
  const fact = new FileFact(path, async () => {
    asked++
    if (broken) throw new Error('it does not start')
    return `version ${asked}`
  })
  expect(await Promise.all([fact.get(), fact.get()])).toEqual(['version 1', 'version 1'])
  expect(await fact.get()).toBe('version 1')
  writeFileSync(path, 'another one')
  broken = true
  await expect(fact.get()).rejects.toThrow('does not start')
  broken = false
  expect(await fact.get()).toBe('version 3')
  rmSync(path)
  await expect(fact.get()).rejects.toThrow('ENOENT')
})
