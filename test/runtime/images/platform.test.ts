import { describe, expect, it } from 'vitest'
import {
  checkPlatform,
  choosePlatform,
  formatPlatform,
  hostPlatform,
  parsePlatform,
} from '../../../src/runtime/images/format/platform.ts'

const amd = { os: 'linux', architecture: 'amd64' }

describe('parsePlatform', () => {
  it.each([
    ['linux/arm64', { os: 'linux', architecture: 'arm64' }],
    ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['linux/arm64/8', { os: 'linux', architecture: 'arm64', variant: 'v8' }],
    ['linux/armhf', { os: 'linux', architecture: 'arm' }],
    ['linux/armel', { os: 'linux', architecture: 'arm', variant: 'v6' }],
    ['Linux/AARCH64', { os: 'linux', architecture: 'arm64' }],
    ['x86_64', amd],
    ['windows', { os: 'windows', architecture: 'amd64' }],
  ])('%s', (text, expected) => expect(parsePlatform(text, amd)).toEqual(expected))

  it.each([
    ['a/b/c/d', '"a/b/c/d": cannot parse platform specifier: invalid argument'],
    ['!!', '"!!" is an invalid component of "!!": platform specifier component must match "^[A-Za-z0-9_-]+$"'],
    ['linux/', '"" is an invalid component of "linux/"'],
    ['', '"" is an invalid component of ""'],
    ['linux/../x', '".." is an invalid component of "linux/../x"'],
    ['foo', '"foo": unknown operating system or architecture: invalid argument'],
  ])('refuses "%s" in words of Docker', (text, message) => {
    expect(() => parsePlatform(text, amd)).toThrow(message)
  })
})

describe('checkPlatform', () => {
  const check = (image: string, wanted?: string) =>
    checkPlatform('app:1', parsePlatform(image), wanted === undefined ? undefined : parsePlatform(wanted))

  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/amd64', 'linux/amd64/v2'],
    ['linux/386', 'linux/amd64'],
    ['linux/arm64', 'linux/arm64/v8'],
    ['linux/arm/v7', 'linux/arm64'],
    ['linux/arm/v6', 'linux/arm'],
  ])('takes an image for %s where %s is wanted', (image, wanted) => expect(check(image, wanted)).toEqual([]))

  it.each([
    ['linux/amd64', 'linux/arm64'],
    ['linux/amd64', 'linux/386'],
    ['linux/amd64', 'windows/amd64'],
    ['linux/arm64', 'linux/arm'],
    ['linux/arm', 'linux/arm/v6'],
  ])('refuses an image for %s where %s is wanted', (image, wanted) => {
    const why = `does not match the specified platform: wanted ${wanted}, actual: ${image}`
    expect(() => check(image, wanted)).toThrow(`image with reference app:1 was found but ${why}`)
  })

  it('warns of an image for others when nothing is asked for', () => {
    expect(check(formatPlatform(hostPlatform()))).toEqual([])
    expect(check('linux/s390x')).toEqual([expect.stringContaining("requested image's platform (linux/s390x)")])
  })
})

describe('choosePlatform', () => {
  const offer = (architecture: string, variant?: string) => ({
    name: `${architecture}${variant ?? ''}`,
    platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
  })
  const choose = (wanted: string, ...offers: readonly ReturnType<typeof offer>[]) =>
    choosePlatform(offers, parsePlatform(wanted, amd), 'app').name

  it('takes the variant that is wanted, or the newest that runs there', () => {
    const arms = [offer('arm', 'v5'), offer('arm', 'v7'), offer('arm', 'v6'), offer('amd64')]
    expect(choose('linux/arm/v6', ...arms)).toBe('armv6')
    expect(choose('linux/arm', ...arms)).toBe('armv7')
    expect(choose('linux/arm/v8', ...arms)).toBe('armv7')
    expect(choose('linux/arm64', offer('arm64', 'v8'))).toBe('arm64v8')
    expect(() => choose('linux/arm/v6', offer('arm', 'v7'))).toThrow('no matching manifest for linux/arm/v6')
  })

  it('does not take an attestation for an image', () => {
    const attestation = {
      name: 'x',
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    }
    expect(choosePlatform([attestation, offer('amd64')], amd, 'app').name).toBe('amd64')
    expect(() => choosePlatform([attestation], amd, 'app')).toThrow('it has none')
  })

  it('takes the only one that says nothing', () => {
    const silent: { name: string; platform?: object } = { name: 'only' }
    expect(choosePlatform([silent], hostPlatform('arm64'), 'app').name).toBe('only')
  })
})
