import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { certPlaces, type NamedCerts, StoreCerts } from '../../../src/machine/index.ts'
import { createCertificateMaker, isIssuedBy, isKeyOf, LONE_LIFE_MS, readCertificate } from '../../../src/trust/index.ts'
import { makeAuthority } from '../../support/make-certificate.ts'

const HOSTS = ['10.0.0.5', 'n1', '2001:db8::5', '*.lab.example']
const maker = createCertificateMaker(systemRandom)

let root: string
let clock: ManualClock

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-certs-'))
  // Authorities that openssl makes are of now.
  clock = new ManualClock(Date.UTC(2026, 0, 1))
})
afterEach(() => rmSync(root, { recursive: true }))

function certs(named?: NamedCerts): StoreCerts {
  return new StoreCerts(certPlaces(root, named), {
    clock,
    random: systemRandom,
    files: { writeDurably: (path, text, mode) => writeFile(path, text, { mode: mode ?? 0o600 }) },
    exclusively: work => work(),
    user: 'ann',
  })
}

const read = (name: string): Promise<string> => readFile(join(root, 'certs', name), 'utf8')

async function signed(name = 'n1'): Promise<{ readonly certificate: string; readonly authorities: string }> {
  const { csr } = await maker.request({ name, hosts: [] })
  return (await certs().certifier()).sign(csr, { name: 'n1', hosts: HOSTS })
}

describe("a person's certificate", () => {
  it('is made with its authority when it is first needed, with keys for the owner alone', async () => {
    const made = await certs().client()
    expect(isIssuedBy(made.certificate, made.authority)).toBe(true)
    expect([await read('ca.pem'), await read('cert.pem'), await read('key.pem')]).toEqual(Object.values(made))
    for (const name of ['ca-key.pem', 'key.pem']) {
      expect((await stat(join(root, 'certs', name))).mode & 0o777).toBe(0o600)
    }
    expect(await certs().client()).toEqual(made)
  })

  it('is made anew when it has aged, and when that is asked for, by the same authority', async () => {
    const first = await certs().client()
    const second = await certs().client({ isAnew: true })
    await clock.advance((LONE_LIFE_MS * 3) / 4)
    const third = await certs().client()
    expect(new Set([first, second, third].map(({ key }) => key)).size).toBe(3)
    expect(isIssuedBy(third.certificate, first.authority)).toBe(true)
  })

  it('is made anew where its key is of another, as a crash leaves it, and refused where the person put it', async () => {
    const made = await certs().client()
    const { key } = await maker.request({ name: 'ann', hosts: [] })
    const named = { client: join(root, 'certs/cert.pem'), clientKey: join(root, 'certs/key.pem') }
    for (const other of [key, 'no key at all']) {
      await writeFile(named.clientKey, other)
      await expect(certs(named).client()).rejects.toMatchObject({
        code: 'BAD_CLIENT_CERTIFICATE',
        message: expect.stringContaining('is not its key'),
      })
    }
    const again = await certs().client()
    expect([again.certificate === made.certificate, isKeyOf(again.certificate, again.key)]).toEqual([false, true])
    expect(await certs().client()).toEqual(again)
  })

  it('is not replaced where the person put it, unless that is asked for', async () => {
    const made = await certs().client()
    const named = { client: join(root, 'certs/cert.pem'), clientKey: join(root, 'certs/key.pem') }
    await clock.advance((LONE_LIFE_MS * 3) / 4)
    expect(await certs(named).client()).toEqual(made)
    await clock.advance(LONE_LIFE_MS)
    await expect(certs(named).client()).rejects.toMatchObject({
      code: 'BAD_CLIENT_CERTIFICATE',
      message: expect.stringContaining('it has expired'),
    })
    expect((await certs(named).client({ isAnew: true })).key).not.toBe(made.key)
  })
})

describe("an engine's certificate", () => {
  it('does for the hosts it was signed for, by this authority, and not for ever', async () => {
    const { certificate, authorities } = await signed()
    expect(authorities).toBe(await read('ca.pem'))
    const why = async (hosts = HOSTS): Promise<string | undefined> =>
      (await certs().certifier()).whyNot(certificate, hosts)
    expect(await why()).toBeUndefined()
    expect(await why([...HOSTS, 'b.lab.example', 'c.other'])).toBe('it is not for c.other')
    await clock.advance(readCertificate(certificate).notAfterMs - clock.nowMs() - 86_400_000)
    expect(await why()).toBe('it expires in 1 days')
    await clock.advance(2 * 86_400_000)
    expect(await why()).toBe('it has expired')
    await rm(join(root, 'certs/ca.pem'))
    expect(await why()).toBe('it is of another authority')
    expect((await certs().certifier()).whyNot('hello', HOSTS)).toMatch(/another authority|expected between/)
  })

  it('is signed anew once when that is asked for', async () => {
    const { certificate } = await signed()
    const certifier = await certs().certifier({ isForced: true })
    expect(certifier.whyNot(certificate, HOSTS)).toBe('as you asked')
    const { csr } = await maker.request({ name: 'n1', hosts: [] })
    const again = await certifier.sign(csr, { name: 'n1', hosts: HOSTS })
    expect(certifier.whyNot(again.certificate, HOSTS)).toBeUndefined()
  })

  it('is left where it is of the authority by which the engine is known, unless that is ours or it is asked for', async () => {
    const { certificate, authorities } = await signed()
    await rm(join(root, 'certs'), { recursive: true })
    for (const isOursMade of [false, true]) {
      if (isOursMade) await certs().client()
      const certifier = await certs().certifier({ known: authorities })
      expect([certifier.whyNot(certificate, ['elsewhere']), certifier.isLeft()]).toEqual([undefined, true])
      const forced = await certs().certifier({ known: authorities, isForced: true })
      expect([forced.whyNot(certificate, HOSTS), forced.isLeft()]).toEqual(['as you asked', false])
    }
    const ours = await signed()
    const certifier = await certs().certifier({ known: authorities })
    expect([certifier.whyNot(ours.certificate, ['elsewhere']), certifier.isLeft()]).toEqual([
      'it is not for elsewhere',
      false,
    ])
    expect([certifier.whyNot('hello', HOSTS), certifier.isLeft()]).toEqual([expect.any(String), false])
    const strange = await certs().certifier({ known: 'no authority' })
    expect([strange.whyNot(certificate, HOSTS), strange.isLeft()]).toEqual(['it is of another authority', false])
  })

  it('is not signed for another machine', async () => {
    await expect(signed('n2')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('is signed by an authority that the person brings, and never without its key', async () => {
    const brought = await makeAuthority(['rsa:2048'])
    await clock.advance(Math.max(0, readCertificate(brought.certificate).notBeforeMs - clock.nowMs()) + 1_000)
    const [authority, authorityKey] = [join(root, 'mine.pem'), join(root, 'mine-key.pem')]
    await writeFile(authority, brought.certificate)
    const named = { authority, authorityKey }
    await expect(certs(named).client()).rejects.toMatchObject({ code: 'NO_AUTHORITY_KEY' })
    await writeFile(authorityKey, brought.key)
    expect(isIssuedBy((await certs(named).client()).certificate, brought.certificate)).toBe(true)
    await clock.advance(3 * 86_400_000)
    await expect(certs(named).client({ isAnew: true })).rejects.toMatchObject({ code: 'AUTHORITY_EXPIRED' })
  })
})
