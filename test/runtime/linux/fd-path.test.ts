import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  holdDirectory,
  holdInside,
  isFileOrMissing,
  makeInside,
  readFileInside,
  splitInside,
} from '../../../src/runtime/linux/files/fd-path.ts'
import { fc } from '../../support/property.ts'

describe('splitInside', () => {
  it.each([
    ['a/b', ['a', 'b']],
    ['/a//b/./c/', ['a', 'b', 'c']],
    ['a/../b', ['b']],
    ['', []],
    ['/', []],
    ['...', ['...']],
  ])('%s', (path, expected) => expect(splitInside(path)).toEqual(expected))

  it.each(['..', '../a', 'a/../../b', '/..'])('%s leads out', path => {
    expect(() => splitInside(path)).toThrow(expect.objectContaining({ code: 'PATH_LEAVES_ROOT' }))
  })

  it('never gives a component that moves up or stays', () => {
    const part = fc.constantFrom('a', 'b', '..', '.', '', '...', 'c d')
    fc.assert(
      fc.property(fc.array(part), parts => {
        try {
          return splitInside(parts.join('/')).every(it => it !== '' && it !== '.' && it !== '..' && !it.includes('/'))
        } catch {
          return true
        }
      }),
    )
  })
})

describe('paths below a root', () => {
  let outer: string
  let root: string
  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'fd-path-'))
    root = join(outer, 'root')
    mkdirSync(join(root, 'etc'), { recursive: true })
    writeFileSync(join(root, 'etc/passwd'), 'inside')
    writeFileSync(join(outer, 'passwd'), 'outside')
  })
  afterEach(() => rmSync(outer, { recursive: true }))

  it('follows links as a process with that root would', () => {
    symlinkSync('/etc/passwd', join(root, 'absolute'))
    symlinkSync('../../../../etc/passwd', join(root, 'etc/upwards'))
    symlinkSync('../passwd', join(root, 'out'))
    expect(readFileInside(root, 'absolute')?.toString()).toBe('inside')
    expect(readFileInside(root, 'etc/upwards')?.toString()).toBe('inside')
    expect(readFileInside(root, 'out')).toBeUndefined()
  })

  it('reads nothing that is not a file, and no endless links', () => {
    symlinkSync('loop', join(root, 'loop'))
    expect(readFileInside(root, 'loop')).toBeUndefined()
    expect(readFileInside(root, 'etc')).toBeUndefined()
    expect(readFileInside(root, 'etc/passwd/x')).toBeUndefined()
    expect(() => readFileInside(root, 'etc/passwd', 3)).toThrow('at most 3 are read')
  })

  it('tells files from what would have to be waited for, without opening anything', () => {
    symlinkSync('/etc/passwd', join(root, 'absolute'))
    symlinkSync('loop', join(root, 'loop'))
    execFileSync('sh', ['-c', `mkfifo ${join(root, 'fifo')}`])
    expect(['etc/passwd', 'absolute', 'missing', 'loop'].map(path => isFileOrMissing(root, path))).not.toContain(false)
    expect(['fifo', 'etc'].map(path => isFileOrMissing(root, path))).toEqual([false, false])
  })

  it('makes what is missing of a directory', () => {
    using held = holdDirectory(root)
    const depths: number[] = []
    makeInside(held, ['etc', 'a', 'b'], (_path, depth) => depths.push(depth))[Symbol.dispose]()
    expect(depths).toEqual([2, 3])
    holdInside(held, 'etc/a/b')[Symbol.dispose]()
  })
})
