import { expect, it } from 'vitest'
import { familyOf, OS_FAMILIES, packagesFor } from '../../../src/machine/hosts/os-table.ts'

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
