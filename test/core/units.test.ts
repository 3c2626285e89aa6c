import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../src/core/duration.ts'
import { formatBytes, parseBytes, parseCpus } from '../../src/core/units.ts'
import { fc } from '../support/property.ts'

describe('parseBytes()', () => {
  it.each([
    ['1024', 1024],
    ['512m', 512 * 1024 ** 2],
    ['1.5g', 1.5 * 1024 ** 3],
    ['64KiB', 64 * 1024],
    ['2GB', 2 * 1024 ** 3],
    ['10b', 10],
  ])('reads %s', (text, bytes) => expect(parseBytes(text)).toBe(bytes))

  it.each(['', 'm', '12q', '-5m', '1 2m', '0x10', '1e3'])('refuses %j with the text and an example', text => {
    expect(() => parseBytes(text)).toThrow(`Cannot read size "${text}"`)
  })
})

describe('formatBytes()', () => {
  it.each([
    [0, '0B'],
    [20 * 1024 ** 2, '20MiB'],
    [8_794_000_000, '8.19GiB'],
  ])('writes %d', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})

describe('parseCpus()', () => {
  it('reads billionths of a CPU', () => expect(parseCpus('0.5')).toBe(500_000_000))
  it.each(['', '-1', 'many', 'NaN', 'Infinity'])('refuses %j', text =>
    expect(() => parseCpus(text)).toThrow('Cannot read cpus'),
  )
})

describe('parseDuration()', () => {
  it.each([
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['0', 0],
    ['2d', 172_800_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '5', 's', '1m 30s', '-1s', '1x'])('refuses %j', text => {
    expect(() => parseDuration(text)).toThrow(`Cannot read duration "${text}"`)
  })

  it('reads back what formatDuration() writes', () => {
    fc.assert(fc.property(fc.nat(10_000_000), ms => void expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3)))
  })
})
