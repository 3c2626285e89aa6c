import { describe, expect, it } from 'vitest'
import { parseImageReference } from '../../../src/core/image-reference.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { matchesImageName } from '../../../src/docker-api/image-filters.ts'
import { fullName, newTagName } from '../../../src/runtime/images/store/image-catalog.ts'
import { Leases } from '../../../src/runtime/images/store/leases.ts'
import { layerMeaning } from '../../../src/runtime/images/tar/whiteout.ts'
import { decimalSize, progressBar, transferMeter } from '../../../src/runtime/images/transfer/progress.ts'

describe('layerMeaning', () => {
  it.each([
    ['file', { kind: 'add' }],
    ['.wh', { kind: 'add' }],
    ['.wh.file', { kind: 'hide', name: 'file' }],
    ['.wh..hidden', { kind: 'hide', name: '.hidden' }],
    ['.wh..wh..opq', { kind: 'opaque' }],
    ['.wh..wh.plnk', { kind: 'skip' }],
  ])('%s', (name, expected) => expect(layerMeaning(name)).toEqual(expected))

  it.each(['.wh.', '.wh..', '.wh...'])('%s is refused', name =>
    expect(() => layerMeaning(name)).toThrow('deletes no name'),
  )
})

describe('progress', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1234, '1.234kB'],
    [2_700_000, '2.7MB'],
    [1_073_741_824, '1.074GB'],
  ])('%d is %s', (bytes, text) => expect(decimalSize(bytes)).toBe(text))

  it('draws the bar', () => {
    expect(progressBar(5, 10)).toBe(`[${'='.repeat(25)}>${' '.repeat(24)}]  5B/10B`)
    expect(progressBar(10, 10)).toBe(`[${'='.repeat(50)}]  10B/10B`)
    expect(progressBar(10, 0)).toBe('10B')
  })

  it('reports now and then, with all bytes so far', async () => {
    const clock = new ManualClock()
    const seen: unknown[] = []
    const total = 100
    const meter = transferMeter(
      'Downloading',
      { digest: `sha256:${'a'.repeat(64)}`, total },
      { clock, onProgress: it => seen.push(it.progressDetail) },
    )
    meter(10)
    meter(10)
    await clock.advance(100)
    meter(10)
    expect(seen).toEqual([
      { current: 10, total },
      { current: 30, total },
    ])
  })
})

describe('matchesImageName', () => {
  it.each([
    ['redis:7', 'redis', true],
    ['redis:7', 'redis:*', true],
    ['redis:7', 'red?s', true],
    ['team/redis:7', 'redis', false],
    ['team/redis:7', '*/redis', true],
    ['host:5000/a:1', 'host:5000/a', true],
    ['a.b:1', 'axb', false],
  ])('%s by %s: %s', (name, pattern, expected) => expect(matchesImageName(name, pattern)).toBe(expected))
})

describe('fullName', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  it.each([
    ['redis', 'docker.io/library/redis:latest'],
    ['host:5000/a/b:1', 'host:5000/a/b:1'],
    [`redis:7@${digest}`, `docker.io/library/redis@${digest}`],
    ['Not A Name', undefined],
  ])('%s', (text, expected) => expect(fullName(text)).toBe(expected))
})

describe('Leases', () => {
  it('holds until the last holder is done', async () => {
    const leases = new Leases()
    const gate = Promise.withResolvers<void>()
    const first = leases.hold(['a', 'b'], () => gate.promise)
    await leases.hold(['a'], async () => expect(leases.holds('a')).toBe(true))
    expect(leases.holds('a')).toBe(true)
    gate.resolve()
    await first
    expect(leases.holds('a')).toBe(false)
  })

  it('lets go when the work fails', async () => {
    const leases = new Leases()
    await expect(leases.hold(['a'], () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(leases.holds('a')).toBe(false)
  })
})

describe('newTagName()', () => {
  it('gives no image the name of the digest algorithm, as Docker does', () => {
    expect(newTagName(parseImageReference('sha256sum'))).toBe('docker.io/library/sha256sum:latest')
    expect(newTagName(parseImageReference('team/sha256:abc'))).toBe('docker.io/team/sha256:abc')
    for (const name of ['sha256:abc', 'sha256', 'docker.io/library/sha256:1']) {
      expect(() => newTagName(parseImageReference(name)), name).toThrow(
        expect.objectContaining({
          status: 400,
          message: 'refusing to create an ambiguous tag using digest algorithm as name',
        }),
      )
    }
  })
})
