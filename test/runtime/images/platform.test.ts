import { describe, expect, it } from 'vitest'
import { choosePlatform, hostPlatform, parsePlatform } from '../../../src/runtime/images/format/platform.ts'

const amd = { os: 'linux', architecture: 'amd64' }

describe('parsePlatform', () => {
  it.each([
    ['linux/arm64', { os: 'linux', architecture: 'arm64' }],
    ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['Linux/AARCH64', { os: 'linux', architecture: 'arm64' }],
    ['x86_64', amd],
    ['windows', { os: 'windows', architecture: 'amd64' }],
  ])('%s', (text, expected) => expect(parsePlatform(text, amd)).toEqual(expected))

  it.each(['', 'a/b/c/d', 'linux/', 'linux/../x', 'linux amd64'])('refuses "%s"', text => {
    expect(() => parsePlatform(text, amd)).toThrow(`"${text}": cannot parse platform specifier: invalid argument`)
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
