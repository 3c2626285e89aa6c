import { describe, expect, it } from 'vitest'
import { cleanPath } from '../../../../src/core/clean-path.ts'
import { isMadeForMounts } from '../../../../src/runtime/containers/files/mount-points.ts'
import { goFileMode } from '../../../../src/runtime/containers/files/path-stat.ts'

describe('what lies at a path', () => {
  // The right-hand numbers are what a stock engine answered.
  it.each([
    ['a file', 0o100644, 420],
    ['a directory', 0o040755, 2147484141],
    ['a link', 0o120777, 134218239],
    ['a pipe', 0o010644, 33554852],
    ['a file with the set-user bit', 0o104755, 8389101],
    ['a sticky directory', 0o041777, 2148532735],
    ['a character device', 0o020666, 69206454],
    ['a block device', 0o060660, 67109296],
    ['a set-group file', 0o102755, 4194797],
  ])('has the mode of %s as Go counts it', (_what, mode, expected) => {
    expect(goFileMode(mode)).toBe(expected)
  })

  it.each([
    ['a/b', '/a/b'],
    ['/a/../../b/.', '/b'],
    ['..', '/'],
    ['/', '/'],
    ['//a//b/', '/a/b'],
  ])('reads the path %s as %s', (path, expected) => {
    expect(cleanPath(path)).toBe(expected)
  })

  it.each([
    ['etc/hosts', 'file', 0, true],
    ['etc/hosts', 'file', 10, false],
    ['etc/passwd', 'file', 0, false],
    ['proc', 'directory', 4096, true],
    ['proc', 'file', 0, false],
    ['srv', 'directory', 4096, false],
  ])('tells whether %s (%s of %i bytes) is a mount point of every container', (path, kind, size, expected) => {
    const stats = { size, isDirectory: () => kind === 'directory', isFile: () => kind === 'file' }
    expect(isMadeForMounts(path, stats)).toBe(expected)
  })
})
