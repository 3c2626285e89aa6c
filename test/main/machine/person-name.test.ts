import { mkdtempSync } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemRandom } from '../../../src/core/random.ts'
import { personName } from '../../../src/main/machine/person-name.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-person-'))
})
afterEach(() => rm(root, { recursive: true }))

const nameIn = (folder: string): Promise<string> =>
  personName('client-ann', join(root, folder), { random: systemRandom })

it('is one for each key, whoever made that and died', async () => {
  const name = await nameIn('m1/client')
  expect(name).toMatch(/^client-ann-[0-9a-f]{12}$/)
  const key = join(root, 'm1/client/key.pem')
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  const made = await readFile(key, 'utf8')
  expect(await nameIn('m1/client')).toBe(name)
  expect(await readFile(key, 'utf8')).toBe(made)
  expect(await nameIn('m2/client')).not.toBe(name)
})

it('leaves a text that is no key to whoever asks with it', async () => {
  await nameIn('m1')
  await writeFile(join(root, 'm1/key.pem'), 'of somebody else')
  expect(await nameIn('m1')).toMatch(/^client-ann-[0-9a-f]{12}$/)
  expect(await readFile(join(root, 'm1/key.pem'), 'utf8')).toBe('of somebody else')
})
