import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { until } from '../../../../scripts/lib/command.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { LeftNames, readLeftNames } from '../../../../src/runtime/network/stand-in/left-names.ts'
import type { NameSource } from '../../../../src/runtime/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-names-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('leaves the names of the networks in use as they were last, told or not told as a prototype is', async () => {
  const clock = new ManualClock()
  const path = join(folder, 'names.json')
  let names = new Map([['web', ['10.2.0.5']]])
  let tell = (): void => {}
  const source: NameSource = {
    lookup: () => undefined,
    all: network => (network === 'shop' ? names : new Map()),
    onChange: listener => {
      tell = listener
    },
  }
  const left = new LeftNames(path, { clock, log: silentLog, networks: () => ['shop'] })
  left.follow(source)
  tell()
  await clock.advance(200)
  await until('the first names', async () => readLeftNames(path).lookup('shop', 'web'))
  names = new Map([
    ['web', []],
    ['db', ['10.2.0.6', 'fd00::6']],
  ])
  tell()
  tell()
  await clock.advance(200)
  await until('the next names', async () => readLeftNames(path).lookup('shop', 'db'))
  const read = readLeftNames(path)
  expect(read.lookup('shop', 'web')).toEqual([])
  expect(read.lookup('shop', 'db')).toEqual(['10.2.0.6', 'fd00::6'])
  expect(read.lookup('shop', 'constructor')).toBeUndefined()
  expect(read.lookup('other', 'web')).toBeUndefined()
  left.close()
})

it('knows no name without a file, and with one that was cut off', () => {
  const path = join(folder, 'cut.json')
  expect(readLeftNames(path).lookup('shop', 'web')).toBeUndefined()
  writeFileSync(path, '{"shop":{"web":["10.2')
  expect(readLeftNames(path).lookup('shop', 'web')).toBeUndefined()
})
