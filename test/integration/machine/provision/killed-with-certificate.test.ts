import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../scripts/lib/command.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import {
  INSTALL_CERTIFICATE,
  REQUEST_CERTIFICATE,
} from '../../../../src/machine/provision/scripts/certificate-scripts.ts'
import { peerCertificate } from '../../../../src/main/machine/peer-certificate.ts'
import { isKeyOf, readCertificate, sha256 } from '../../../../src/trust/index.ts'
import { dockerPlain } from '../../../support/docker-cli.ts'
import { environmentOf } from '../../../support/machine-cli.ts'
import { around, type Dying, mortalMachine, step, writing } from '../../../support/mortal-machine.ts'
import { SshHosts } from '../../../support/ssh-hosts.ts'
import { draftsIn, draftsOn } from './drafts.ts'

const ADDRESS = '10.231.21.11'

let hosts: SshHosts
let store: string

beforeAll(async () => {
  hosts = await SshHosts.open('sh-pkt', '10.231.21')
  store = join(hosts.directory, 'store')
  await hosts.start('n1', ADDRESS)
})

afterAll(() => hosts.close())

function create(): string[] {
  const engine = ['--engine-opt', `cgroup-parent=${hosts.hosts.cgroupParent('n1')}`]
  return ['create', '--host', ADDRESS, '--generic-ssh-key', hosts.keyPath, '--accept-new', ...engine, 'n1']
}

/** Each run goes on where the one before it died. */
const MADE: readonly Dying[] = [
  ...around('making a key', ['before', 'during', 'after'], REQUEST_CERTIFICATE),
  writing('certs/ca-key.pem', 'during'),
  writing('certs/ca-key.pem', 'after'),
  writing('certs/ca.pem', 'during'),
  writing('certs/ca.pem', 'after'),
  ...around('taking the certificate into use', ['before', 'during'], INSTALL_CERTIFICATE),
  step('verify', 'before'),
  writing('certs/key.pem', 'after'),
  writing('certs/cert.pem', 'during'),
  writing('n1/key.pem', 'after'),
  writing('n1/cert.pem', 'after'),
]

/** One who is killed while both are changed has begun with the person's. */
const RENEWALS: readonly { readonly words: readonly string[]; readonly deaths: readonly Dying[] }[] = [
  {
    words: ['regenerate-certs', '-f', '--client-certs', 'n1'],
    deaths: [
      writing('certs/key.pem', 'during'),
      writing('certs/key.pem', 'after'),
      writing('certs/cert.pem', 'after'),
      writing('n1/key.pem', 'after'),
      writing('n1/cert.pem', 'after'),
      ...around('making a key', ['during', 'after'], REQUEST_CERTIFICATE),
      ...around('taking the certificate into use', ['during', 'after'], INSTALL_CERTIFICATE),
      step('verify', 'before'),
    ],
  },
  {
    words: ['certs', 'rotate', 'n1'],
    deaths: [
      ...around('making a key', ['after'], REQUEST_CERTIFICATE),
      ...around('taking the certificate into use', ['before', 'during'], INSTALL_CERTIFICATE),
    ],
  },
]

/** As soon as the engine is back, if it was being started anew. */
async function untilDockerIsLetIn(): Promise<void> {
  const { stdout, stderr, code } = await mortalMachine(store, ['env', '--shell', 'sh', 'n1'])
  expect(code, stderr).toBe(0)
  const environment = environmentOf(stdout)
  await until('docker is let in', async () => {
    const asked = await dockerPlain(['info', '--format', '{{.Name}}'], { environment })
    return asked.stdout === 'n1\n' ? true : undefined
  })
}

/** What the engine serves with is the certificate that is on its host, beside its key. */
async function keyServed(): Promise<string> {
  const certificate = await hosts.run('n1', 'cat /etc/shoal/tls/cert.pem')
  expect(isKeyOf(certificate, await hosts.run('n1', 'cat /etc/shoal/tls/key.pem'))).toBe(true)
  const { signal } = new AbortController()
  const { raw } = await peerCertificate(ADDRESS, 2376, { clock: systemClock, signal })
  const { fingerprint, keyDigest } = readCertificate(certificate)
  expect(sha256(raw)).toBe(fingerprint)
  return keyDigest
}

async function expectWhole(): Promise<void> {
  await untilDockerIsLetIn()
  expect(await mortalMachine(store, ['provision', 'n1'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Ready, nothing was to be done'),
    commands: 2,
  })
  expect([await draftsOn(hosts, 'n1'), draftsIn(store)]).toEqual(['', []])
  expect(hosts.pids('n1', /supervise run agent/)).toHaveLength(1)
  expect(hosts.pids('n1', /cli\.js shoal engine/)).toHaveLength(1)
}

describe('an engine that serves with a certificate', () => {
  it.each(MADE)('whose making dies $title', async ({ death }) => {
    const { signal, stderr } = await mortalMachine(store, create(), death)
    expect(signal, stderr).toBe('SIGKILL')
  })

  it('is made all the same', async () => {
    const { code, stderr } = await mortalMachine(store, create())
    expect(code, stderr).toBe(0)
    await expectWhole()
    await keyServed()
  })
})

describe.each(RENEWALS)('machine $words.0 $words.1', ({ words, deaths }) => {
  it.each(deaths)('dies $title, and whoever uses docker goes on', async ({ death }) => {
    const { signal, stderr } = await mortalMachine(store, words, death)
    expect(signal, stderr).toBe('SIGKILL')
    await untilDockerIsLetIn()
  })

  it('renews the certificate when it is run again', async () => {
    const before = await keyServed()
    const { code, stderr } = await mortalMachine(store, words)
    expect(code, stderr).toBe(0)
    await expectWhole()
    expect(await keyServed()).not.toBe(before)
  })
})
