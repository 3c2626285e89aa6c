import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { checkIssued, ownerOf } from '../../../src/main/swarm/certificate-files.ts'
import { obtainClientCertificate } from '../../../src/main/swarm/client-cert.ts'
import { writeCredentials, writeKey } from '../../../src/main/trust/identity-files.ts'
import type { Role } from '../../../src/trust/index.ts'
import { CLUSTER, makeAuthority, makeMember } from './lab.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-files-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function keepOf(name: string, role: Role): Promise<void> {
  const { credentials } = await makeMember(name, role, { authority: await makeAuthority() })
  await writeKey(directory, credentials.key)
  await writeCredentials(directory, credentials)
}

it('takes a directory for a person that is empty, or has the certificate of that person', async () => {
  expect(await ownerOf(directory, 'ann')).toBeUndefined()
  await keepOf('ann', 'client')
  expect(await ownerOf(directory, 'ann')).toMatchObject({ name: 'ann', clusterId: CLUSTER })
})

it('leaves what belongs to others alone', async () => {
  await writeFile(join(directory, 'ca.pem'), 'whatever docker trusts')
  await expect(ownerOf(directory, 'ann')).rejects.toMatchObject({ code: 'OTHER_FILES', status: 409 })
  await keepOf('bob', 'client')
  await expect(ownerOf(directory, 'ann')).rejects.toThrow('the certificate of the client bob')
  await keepOf('ann', 'node')
  await expect(ownerOf(directory, 'ann')).rejects.toThrow('the certificate of the node ann')
})

it('uses no key that it has not made', async () => {
  await writeKey(directory, 'an RSA key')
  const wish = { name: 'ann', directory, managers: ['127.0.0.1:1'], token: undefined }
  const world = { clock: systemClock, random: systemRandom, signal: new AbortController().signal }
  await expect(obtainClientCertificate(wish, world)).rejects.toThrow('a key.pem that was not made here')
})

it('believes no manager that answers with the certificate of somebody else, or for another cluster', async () => {
  const authority = await makeAuthority()
  const { credentials } = await makeMember('ann', 'client', { authority })
  const issued = { ...credentials, clusterId: CLUSTER }
  const check = (name: string, clusterId = CLUSTER) =>
    checkIssued(issued, { name, directory, before: { name, role: 'client', clusterId } }, systemClock.nowMs())
  expect(check('ann')).toMatchObject({ name: 'ann' })
  expect(() => check('bob')).toThrow('its name is ann and not bob')
  expect(() => check('ann', 'c2')).toThrow('a certificate for the cluster c2, and this is c1')
})
