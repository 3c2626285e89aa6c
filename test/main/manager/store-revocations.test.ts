import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { type Revoked, StoreRevocations } from '../../../src/main/manager/store-revocations.ts'
import { authorityDigest } from '../../../src/trust/index.ts'
import { makeAuthority } from '../trust/lab.ts'

let directory: string
let hungUp: number
let isAway: boolean
let open: () => StoreRevocations

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-revoked-'))
  await mkdir(join(directory, 'trust'))
  hungUp = 0
  isAway = false
  const authority = await makeAuthority()
  const signing = authorityDigest(authority.certificate)
  const record = { clusterId: 'c1', authorities: [authority], signing, certificateLifeMs: 1 }
  open = () =>
    new StoreRevocations(directory, {
      clock: systemClock,
      authority: async () => record,
      async hangUp() {
        if (isAway) throw new Error('cannot now')
        hungUp++
      },
    })
})
afterEach(() => rm(directory, { recursive: true }))

const revoked = (serial: string | undefined, isTaken = true): Revoked => ({
  kind: 'revoked',
  name: 'n1',
  fingerprint: `f${serial}`,
  untilMs: 1,
  isTaken,
  ...(serial === undefined ? {} : { serial }),
})

/** The serials of the list, as openssl reads them. */
async function listed(): Promise<readonly string[]> {
  const path = join(directory, 'trust', 'revoked.crl')
  const { stdout } = await promisify(execFile)('openssl', ['crl', '-inform', 'DER', '-noout', '-text', '-in', path])
  return [...stdout.matchAll(/Serial Number: (\w+)/g)].map(([, serial = '']) => serial.toLowerCase())
}

it('has a list before anything was taken back, and keeps one that is there', async () => {
  await open().prepare()
  expect(await listed()).toEqual([])
  await open().apply([revoked('4a01')])
  await open().prepare()
  expect(await listed()).toEqual(['4a01'])
})

it('keeps what was taken back while the store starts for the first time', async () => {
  const revocations = open()
  await Promise.all([revocations.prepare(), revocations.apply([revoked('4a01')])])
  expect(await listed()).toEqual(['4a01'])
})

it('hangs up once for what was taken, and not for what its owner has replaced or has run out', async () => {
  await open().apply([revoked('4a02', false), revoked(undefined)])
  expect([await listed(), hungUp]).toEqual([['4a02'], 0])
  await open().apply([revoked('4a02', false), revoked('4a01')])
  expect([await listed(), hungUp]).toEqual([['4a01', '4a02'], 1])
  // Another manager process on the same data.
  await open().apply([revoked('4a01')])
  await open().apply([revoked('4a01')])
  expect([await listed(), hungUp]).toEqual([['4a01'], 1])
})

it('is not done before it has hung up', async () => {
  isAway = true
  await expect(open().apply([revoked('4a01')])).rejects.toThrow('cannot now')
  // Newcomers are refused already.
  expect(await listed()).toEqual(['4a01'])
  isAway = false
  await open().apply([revoked('4a01')])
  expect(hungUp).toBe(1)
})

it.each(['', '{', '{}', '[4, null]'])('hangs up once more when what it noted is damaged: %j', async damaged => {
  await open().apply([revoked('4a01')])
  await writeFile(join(directory, 'trust', 'revoked.json'), damaged)
  await open().apply([revoked('4a01')])
  await open().apply([revoked('4a01')])
  expect([await listed(), hungUp]).toEqual([['4a01'], 2])
})
