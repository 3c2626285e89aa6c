import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lockFile } from '../../../src/runtime/linux/files/file-lock.ts'

let disk = ''
beforeAll(() => {
  disk = mkdtempSync(join(tmpdir(), 'shoal-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'shoal-test', disk])
  expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(1 << 20))).toThrow('ENOSPC')
})
afterAll(() => {
  execFileSync('umount', [disk])
  rmSync(disk, { recursive: true })
})

it('says where there is no room for the lock of a data root, and holds nothing', () => {
  const path = join(disk, 'engine.lock')
  expect(() => lockFile(path)).toThrow(`No space left to write ${path}: free some space and try again`)
  rmSync(join(disk, 'filler'))
  const lock = lockFile(path)
  expect(lock.held).toBe(true)
  if (lock.held) lock.release()
})
