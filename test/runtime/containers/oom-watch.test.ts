import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { OomWatch } from '../../../src/runtime/containers/life/oom-watch.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-oom-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('tells once for each run, also of what happened before it looked', async () => {
  const mark = join(folder, 'oom')
  const told: string[] = []
  let wake = (): void => {}
  const next = (): Promise<void> => new Promise(resolve => (wake = resolve))
  const oom = new OomWatch(id => {
    told.push(id)
    wake()
  })
  const first = next()
  oom.begin('web', mark)
  expect(told).toEqual([])
  writeFileSync(join(folder, 'other'), '')
  writeFileSync(mark, '')
  await first
  oom.begin('web', mark)
  expect(told).toEqual(['web'])
  expect(oom.end('web')).toBe(true)
  expect(oom.end('web')).toBe(false)
  oom.begin('web', mark)
  expect(told).toEqual(['web', 'web'])
})

it('does without, where nothing can be watched', () => {
  const oom = new OomWatch(() => expect.unreachable())
  oom.begin('web', join(folder, 'gone', 'oom'))
  expect(oom.end('web')).toBe(false)
})
