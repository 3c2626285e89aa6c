import { describe, expect, it } from 'vitest'
import { checkLayerCount, parseConfig } from '../../../src/runtime/images/format/image-config.ts'
import { encodeManifest, MEDIA_TYPES, parseManifest } from '../../../src/runtime/images/format/manifest.ts'
import { choosePlatform, hostPlatform } from '../../../src/runtime/images/format/platform.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const config = { mediaType: '', digest: digest('a'), size: 2 }
const layer = { mediaType: 'l', digest: digest('b'), size: 3, diffId: digest('c') }

describe('parseManifest', () => {
  it('reads what encodeManifest writes, which is the same for the same image', () => {
    const bytes = encodeManifest(config, [layer])
    const { diffId: _, ...descriptor } = layer
    const parsed = parseManifest(bytes, undefined)
    expect(parsed).toEqual({
      kind: 'manifest',
      mediaType: MEDIA_TYPES.ociManifest,
      manifest: { config, layers: [descriptor] },
    })
    expect(encodeManifest({ size: 2, digest: digest('a'), mediaType: '' }, [layer]).equals(bytes)).toBe(true)
  })

  it.each([
    [Buffer.from('<html>'), 'its manifest is not JSON'],
    [json([]), 'its manifest is not a JSON object'],
    [json({ schemaVersion: 1 }), 'schema 1'],
    [json({ schemaVersion: 2 }), 'it lists neither layers nor manifests'],
    [json({ schemaVersion: 2, config: { ...config, digest: 'md5:x' }, layers: [] }), 'a digest is not sha256'],
    [json({ schemaVersion: 2, config: { digest: digest('a') }, layers: [] }), 'a size is missing'],
    [json({ schemaVersion: 2, config, layers: [{ ...layer, size: -1 }] }), 'a size is missing'],
  ])('%s is refused', (bytes, why) => expect(() => parseManifest(bytes, undefined)).toThrow(why))
})

describe('choosePlatform', () => {
  const entry = (os: string, architecture: string, digit: string) => ({
    ...config,
    digest: digest(digit),
    platform: { os, architecture },
  })
  const entries = [entry('windows', 'amd64', '1'), entry('linux', 'arm64', '2'), entry('linux', 'amd64', '3')]

  it('takes the one for the platform', () => {
    expect(choosePlatform(entries, hostPlatform('x64'), 'x').digest).toBe(digest('3'))
    expect(choosePlatform(entries, hostPlatform('arm64'), 'x').digest).toBe(digest('2'))
  })

  it('names the platforms there are', () => {
    expect(() => choosePlatform(entries, { os: 'linux', architecture: 's390x' }, 'web:1')).toThrow(
      'no matching manifest for linux/s390x in the manifest list entries of web:1: it has windows/amd64, linux/arm64, linux/amd64',
    )
  })
})

describe('parseConfig', () => {
  it('refuses a config that names no layers, or others than the manifest', () => {
    expect(() => parseConfig(json({ rootfs: {} }))).toThrow('its config names no layers')
    const parsed = parseConfig(json({ rootfs: { type: 'layers', diff_ids: [digest('1'), digest('2')] } }))
    expect(() => checkLayerCount(parsed, { layers: [layer] })).toThrow('it has 1 layers, but its config names 2')
  })
})
