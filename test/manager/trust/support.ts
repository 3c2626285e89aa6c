import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createMemoryStore } from '../../../src/discovery/index.ts'
import { importAuthority } from '../../../src/manager/trust/import-authority.ts'
import { type Issued, join } from '../../../src/manager/trust/issue.ts'
import type { TrustPorts } from '../../../src/manager/trust/ports.ts'
import { createToken } from '../../../src/manager/trust/tokens.ts'
import {
  AUTHORITY_LIFE_MS,
  authorityDigest,
  CERTIFICATE_LIFE_MS,
  createCertificateMaker,
  type Role,
  readCertificate,
  type Subject,
} from '../../../src/trust/index.ts'
import { keys } from '../support.ts'

export const DAY_MS = 86_400_000
export const maker = createCertificateMaker(systemRandom)

/** A cluster with an authority in a store of memory, as managers work on it. */
export interface TrustLab {
  readonly clock: ManualClock
  readonly ports: TrustPorts
  /** Of the store. */
  readonly users: string[]
  readonly token: (role?: Role, once?: boolean) => Promise<string>
  readonly joinAs: (
    name: string,
    token: string,
    more?: { readonly key?: string; readonly role?: Role; readonly hosts?: readonly string[] },
  ) => Promise<Issued & { readonly key: string }>
}

export async function openTrust(): Promise<TrustLab> {
  const clock = new ManualClock()
  const users: string[] = []
  const ports: TrustPorts = {
    store: createMemoryStore({ clock }),
    keys,
    clock,
    random: systemRandom,
    log: silentLog,
    maker,
    cluster: 'test',
    storeEndpoints: () => ['10.0.0.9:2379'],
    managers: () => ['10.0.0.9:3376'],
    users: {
      ensure: async name => void users.push(name),
      async remove(name) {
        while (users.includes(name)) users.splice(users.indexOf(name), 1)
      },
    },
  }
  const nowMs = clock.nowMs()
  const authority = await maker.authority('c1', { fromMs: nowMs, untilMs: nowMs + AUTHORITY_LIFE_MS })
  const signing = authorityDigest(authority.certificate)
  const record = { clusterId: 'c1', authorities: [authority], signing, certificateLifeMs: CERTIFICATE_LIFE_MS }
  await importAuthority(record, ports)
  return {
    clock,
    ports,
    users,
    token: async (role = 'node', once = false) => (await createToken({ role, lifeMs: DAY_MS, once }, ports)).token,
    async joinAs(name, token, more = {}) {
      const { csr, key } = await maker.request({ name, role: 'node', hosts: [], ...more })
      return { ...(await join({ token, csr }, '10.0.0.1', ports)), key }
    },
  }
}

export const node = (name: string): Subject => ({ name, role: 'node', clusterId: 'c1' })

export function shownOf(pem: string): { readonly fingerprint: string; readonly keyDigest: string } {
  const { fingerprint, keyDigest } = readCertificate(pem)
  return { fingerprint, keyDigest }
}

/** Whoever shows a certificate from this host. */
export function shower(certificate: string, name = 'n1') {
  return { subject: node(name), fingerprint: shownOf(certificate).fingerprint, remoteAddress: undefined }
}
