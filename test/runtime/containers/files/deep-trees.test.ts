import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { changesOf } from '../../../../src/runtime/containers/files/changes.ts'
import { writtenBytes } from '../../../../src/runtime/containers/files/sizes.ts'
import type { Room } from '../../../../src/runtime/containers/room.ts'
import { holdDirectory } from '../../../../src/runtime/linux/files/fd-path.ts'
import { aRecord } from '../support.ts'

describe('directories in each other', () => {
  let folder: string
  let room: Room
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-deep-'))
    const [image, upper] = [join(folder, 'image'), join(folder, 'upper')]
    mkdirSync(image)
    mkdirSync(upper)
    const roots = { changes: async () => upper, holdImage: async () => holdDirectory(image) }
    room = { roots, table: { get: () => aRecord() } } as unknown as Room
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** Makes directories in each other below what a container changed; gives the path of the innermost. */
  const nest = (levels: number): string => {
    const path = join(folder, 'upper', ...Array<string>(levels).fill('d'))
    mkdirSync(path, { recursive: true })
    return path
  }

  it('are compared as far as they are packed', async () => {
    nest(1_024)
    const changes = await changesOf(room, 'web')
    expect(changes).toHaveLength(1_024)
    expect(changes.at(-1)).toEqual({ Path: '/d'.repeat(1_024), Kind: 1 })
  })

  it('are refused with a clear sentence beyond that', async () => {
    nest(1_025)
    await expect(changesOf(room, 'web')).rejects.toMatchObject({
      code: 'TOO_DEEP',
      message: expect.stringMatching(/^\/d\/d.{96}… has more than 1024 directories in each other$/),
    })
  })

  it('count with their files, once each, and never what is so deep that it would take every descriptor', async () => {
    const deep = nest(100)
    writeFileSync(join(deep, 'file'), 'x'.repeat(1_000))
    linkSync(join(deep, 'file'), join(folder, 'upper', 'same'))
    symlinkSync('/', join(folder, 'upper', 'd', 'out'))
    expect(await writtenBytes(room, 'web')).toBe(1_001)
    writeFileSync(join(nest(101), 'file'), 'x')
    expect(await writtenBytes(room, 'web')).toBe(1_001)
    rmSync(join(folder, 'upper'), { recursive: true })
    expect(await writtenBytes(room, 'web')).toBe(0)
  })
})
