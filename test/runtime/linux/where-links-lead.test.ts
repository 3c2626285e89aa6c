import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { holdDirectory } from '../../../src/runtime/linux/files/fd-path.ts'
import { whereLinksLead } from '../../../src/runtime/linux/files/where-links-lead.ts'

const root = mkdtempSync(join(tmpdir(), 'shoal-links-'))
afterAll(() => rmSync(root, { recursive: true }))
mkdirSync(join(root, 'proc'))
mkdirSync(join(root, 'a/b'), { recursive: true })
writeFileSync(join(root, 'file'), '')
for (const [name, to] of [
  ['absolute', '/proc'],
  ['relative', 'a/b'],
  ['upwards', '../../../../proc'],
  ['nowhere', '/proc/self'],
  ['chain', 'a/back'],
  ['a/back', '../nowhere'],
  ['circle', 'circle'],
] as const)
  symlinkSync(to, join(root, name))

it.each([
  ['/', ''],
  ['/a/b', 'a/b'],
  ['/a/../missing/../x', 'x'],
  ['/../..', ''],
  ['/absolute', 'proc'],
  ['/absolute/sys/x', 'proc/sys/x'],
  ['/relative/c', 'a/b/c'],
  ['/upwards/./1', 'proc/1'],
  ['/nowhere', 'proc/self'],
  ['/chain/attr', 'proc/self/attr'],
  ['/relative/../..', ''],
  ['/file/x', 'file/x'],
])('the path %s comes to /%s', (path, place) => {
  using held = holdDirectory(root)
  expect(whereLinksLead(held, path).join('/')).toBe(place)
})

it('refuses a circle', () => {
  using held = holdDirectory(root)
  expect(() => whereLinksLead(held, '/circle/x')).toThrow(/lead in a circle/)
})
