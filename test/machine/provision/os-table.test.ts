import { expect, it } from 'vitest'
import {
  compareVersions,
  familyOf,
  OS_FAMILIES,
  packagesFor,
  whyNoPackages,
} from '../../../src/machine/hosts/os-table.ts'

it.each([
  [{ ID: 'debian' }, 'Debian'],
  [{ ID: 'ubuntu', ID_LIKE: 'debian' }, 'Debian'],
  [{ ID: 'rocky', ID_LIKE: 'rhel centos fedora' }, 'RHEL'],
  [{ ID: 'nobara', ID_LIKE: 'fedora' }, 'Fedora'],
  [{ ID: 'unheard', ID_LIKE: 'centos rhel fedora' }, 'RHEL'],
  [{ ID: 'opensuse-leap', ID_LIKE: 'suse opensuse' }, 'SUSE'],
  [{ ID: 'alpine' }, 'Alpine'],
  [{ ID: 'cachyos', ID_LIKE: 'arch' }, 'Arch'],
  [{ ID: 'kali', ID_LIKE: 'debian' }, 'Debian'],
  [{ ID: 'linuxmint', ID_LIKE: 'ubuntu debian' }, 'Debian'],
  [{ ID: 'pop', ID_LIKE: 'ubuntu debian' }, 'Debian'],
  [{ ID: 'raspbian', ID_LIKE: 'debian' }, 'Debian'],
  [{ ID: 'zorin', ID_LIKE: 'ubuntu debian' }, 'Debian'],
  [{ ID: 'almalinux', ID_LIKE: 'rhel centos fedora' }, 'RHEL'],
  [{ ID: 'ol', ID_LIKE: 'fedora' }, 'RHEL'],
  [{ ID: 'centos', ID_LIKE: 'rhel fedora' }, 'RHEL'],
  [{ ID: 'amzn', ID_LIKE: 'fedora' }, 'RHEL'],
  [{ ID: 'sles', ID_LIKE: 'suse' }, 'SUSE'],
  [{ ID: 'opensuse-tumbleweed', ID_LIKE: 'opensuse suse' }, 'SUSE'],
  [{ ID: 'manjaro', ID_LIKE: 'arch' }, 'Arch'],
  [{ ID: 'endeavouros', ID_LIKE: 'arch' }, 'Arch'],
  [{ ID: 'nixos' }, undefined],
  [{ ID: 'bottlerocket' }, undefined],
  [{ ID: 'plan9' }, undefined],
  [{}, undefined],
])('knows how packages are had on %j', (os, name) => {
  expect(familyOf(os)?.name).toBe(name)
})

it('has each ID in one row', () => {
  const ids = OS_FAMILIES.flatMap(family => family.ids)
  expect(new Set(ids).size).toBe(ids.length)
})

it('names each package once, and nothing that is unknown', () => {
  const [debian] = OS_FAMILIES
  if (debian === undefined) throw new Error('There is no row')
  expect(packagesFor(debian, new Set(['setsid', 'flock', 'runc', 'nosuch']))).toEqual(['runc', 'util-linux'])
})

it.each([
  [
    { ID: 'ubuntu', VERSION_ID: '20.04', PRETTY_NAME: 'Ubuntu 20.04.6 LTS' },
    ['conmon'],
    /^Ubuntu 20.04.6 LTS has no package of conmon: upgrade it to 22.04/,
  ],
  [{ ID: 'linuxmint', VERSION_ID: '20.3' }, ['conmon', 'tar'], /no package of conmon: upgrade it to 21/],
  [{ ID: 'debian', VERSION_ID: '11' }, ['nft', 'runc'], /no package of nft: its nftables is too old, upgrade it to 12/],
  [{ ID: 'rocky', VERSION_ID: '10.1' }, ['runc'], /default-runtime=crun/],
  [{ ID: 'almalinux', VERSION_ID: '9.4' }, ['etcd', 'conmon'], /no package of etcd: .*--swarm-discovery/],
  [{ ID: 'amzn', VERSION_ID: '2023' }, ['conmon', 'seccomp-profile'], /of conmon, seccomp-profile: .*--engine docker/],
  [{ ID: 'flatcar', ID_LIKE: 'coreos' }, ['conmon'], /flatcar is an image that takes no packages, and has no conmon/],
  [{ ID: 'fedora', VARIANT_ID: 'coreos', PRETTY_NAME: 'Fedora CoreOS 40' }, ['conmon'], /Fedora CoreOS 40 is an image/],
  [{ ID: 'opensuse-microos', ID_LIKE: 'suse opensuse opensuse-tumbleweed microos' }, ['runc'], /is an image/],
  [{ ID: 'nixos' }, ['libatomic.so.1'], /nixos is an image that takes no packages/],
])('says of %j that lacks %j why no package brings that', (os, missing, says) => {
  expect(whyNoPackages(os, new Set(missing))).toMatch(says)
})

it.each([
  [{ ID: 'ubuntu', VERSION_ID: '22.04' }, ['conmon', 'runc', 'etcd']],
  [{ ID: 'ubuntu', VERSION_ID: '20.04' }, ['nft']],
  [{ ID: 'linuxmint', ID_LIKE: 'debian', VERSION_ID: '6' }, ['conmon']],
  [{ ID: 'rocky', VERSION_ID: '9.5' }, ['runc', 'conmon']],
  [{ ID: 'rocky', VERSION_ID: '10.1' }, ['crun', 'conmon']],
  [{ ID: 'debian' }, ['etcd', 'runc', 'nft']],
  [{ ID: 'debian', VERSION_ID: '12' }, ['etcd', 'runc', 'nft']],
  [{}, ['runc']],
])('lets the packages of %j bring %j', (os, missing) => {
  expect(whyNoPackages(os, new Set(missing))).toBeUndefined()
})

it.each([
  ['5.4', '5.4', 0],
  ['5.10.0-26-amd64', '5.4', 1],
  ['4.18.0-553', '5.4', -1],
  ['22.04', '22.4', 0],
  ['10', '9.9', 1],
  ['', '1', -1],
])('compares version %s with %s', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign)
})
