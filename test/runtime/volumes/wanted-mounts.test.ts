import { expect, it } from 'vitest'
import { wantedMounts } from '../../../src/runtime/volumes/wanted-mounts.ts'

const binds = (...Binds: string[]) => wantedMounts({ HostConfig: { Binds } }, {})

it.each([
  ['/a:/b', { type: 'bind', source: '/a', destination: '/b', readOnly: false, propagation: 'rprivate' }],
  ['/a/../c:/b/:ro', { type: 'bind', source: '/c', destination: '/b', readOnly: true }],
  ['/a:/b:z,rslave', { type: 'bind', propagation: 'rslave', createSource: true }],
  ['data:/b:ro', { type: 'volume', name: 'data', destination: '/b', readOnly: true, noCopy: false }],
  ['data:/b:nocopy', { type: 'volume', noCopy: true }],
])('reads -v %s', (text, expected) => {
  expect(binds(text)).toEqual([expect.objectContaining(expected)])
})

it.each([
  ['/a:/b:rx', 'invalid mode: rx'],
  ['/a:/b:ro,rw', 'invalid mode: ro,rw'],
  ['/a:/b:ro:x', 'invalid volume specification'],
  ['/a::ro', 'invalid volume specification'],
  ['/a:b', "invalid mount path: 'b'"],
  ['/a:/', "destination can't be '/'"],
  ['/a:/b/..', "destination can't be '/'"],
])('refuses -v %s', (text, message) => {
  expect(() => binds(text)).toThrow(message)
})

it('refuses two mounts at one place, however they are spelled', () => {
  expect(() => wantedMounts({ HostConfig: { Binds: ['/a:/x'], Tmpfs: { '/x/': '' } } }, {})).toThrow(
    'Duplicate mount point: /x',
  )
})

it('gives way to what was asked for where the image wants a volume, and mounts outer places first', () => {
  const mounts = wantedMounts(
    { HostConfig: { Binds: ['/a:/data/inner/deep', 'v:/data'] } },
    { Volumes: { '/data': {}, '/other/x': {} } },
  )
  expect(mounts.map(({ type, destination }) => `${type} ${destination}`)).toEqual([
    'volume /data',
    'volume /other/x',
    'bind /data/inner/deep',
  ])
})

it.each([
  [{ Type: 'bind', Target: '/b' } as const, 'field Source must not be empty'],
  [{ Type: 'bind', Source: 'a', Target: '/b' } as const, 'mount path must be absolute'],
  [{ Type: 'volume', Target: '' } as const, 'field Target must not be empty'],
  [{ Type: 'tmpfs', Source: '/a', Target: '/b' } as const, 'field Source must not be specified'],
  [{ Type: 'npipe', Target: '/b' } as never, 'mount type unknown'],
])('refuses a mount request that makes no sense: %j', (mount, message) => {
  expect(() => wantedMounts({ HostConfig: { Mounts: [mount] } }, {})).toThrow(message)
})

it('lets words given to a tmpfs replace the defaults they contradict', () => {
  const [mount] = wantedMounts({ HostConfig: { Tmpfs: { '/run': 'exec,size=64m,mode=1777,ro' } } }, {})
  expect(mount).toEqual({
    type: 'tmpfs',
    destination: '/run',
    readOnly: true,
    options: ['nosuid', 'nodev', 'exec', 'size=64m', 'mode=1777'],
    unlisted: true,
  })
  expect(() => wantedMounts({ HostConfig: { Tmpfs: { '/run': 'size=1;rm' } } }, {})).toThrow('Invalid tmpfs option')
})
