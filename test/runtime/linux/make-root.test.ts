import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { makeRoot, refuseKernelOwn } from '../../../src/runtime/linux/files/make-root.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-root-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('makes a directory with those above it, and takes one that is there', async () => {
  const path = join(directory, 'a/b')
  await makeRoot(path, 0o711)
  await makeRoot(path, 0o711)
  expect(statSync(path).mode & 0o777).toBe(0o711)
})

it.each(['/proc/x', '/proc/self/x/y', '/sys/x'])('refuses %s, where it would be tried for ever', async path => {
  await expect(makeRoot(path, 0o711)).rejects.toMatchObject({ code: 'BAD_ROOT', status: 400 })
  expect(() => refuseKernelOwn(path)).toThrow(/^Cannot use .* belongs to the kernel/)
})

it('says what is in the way', async () => {
  writeFileSync(join(directory, 'file'), '')
  await expect(makeRoot(join(directory, 'file/x'), 0o711)).rejects.toThrow(/^Cannot make .*file\/x: /)
})
