import { resolve } from 'node:path'
import { type CertPlaces, certPlaces, StoreCerts } from '../../../../machine/index.ts'
import type { Environment } from '../../../command.ts'
import type { MachineCommand } from '../machine-command.ts'

const USER_CHARS_MAX = 40

/** Options before the command that say where certificates of the store are, with the variables that docker-machine reads. */
const NAMED = {
  authority: ['tlsCaCert', 'MACHINE_TLS_CA_CERT'],
  authorityKey: ['tlsCaKey', 'MACHINE_TLS_CA_KEY'],
  client: ['tlsClientCert', 'MACHINE_TLS_CLIENT_CERT'],
  clientKey: ['tlsClientKey', 'MACHINE_TLS_CLIENT_KEY'],
} as const

/** Where the certificates of the store are, or those that the person named. */
export function certPlacesOf({
  context,
  globals,
  store,
}: Pick<MachineCommand, 'context' | 'globals' | 'store'>): CertPlaces {
  const { cwd, env } = context
  const named = Object.entries(NAMED).flatMap(([what, [option, variable]]) => {
    const path = globals.text(option) ?? (env[variable] || undefined)
    return path === undefined ? [] : [[what, resolve(cwd, path)] as const]
  })
  return certPlaces(store.root, Object.fromEntries(named))
}

/** The certificates there. */
export function storeCerts(command: MachineCommand): StoreCerts {
  const { context, store, world } = command
  const { clock, env, random, signal } = context
  return new StoreCerts(certPlacesOf(command), {
    clock,
    random,
    files: world.files,
    user: userOf(env) || 'machines',
    exclusively: work => store.withCertificates(signal, work),
  })
}

/** Who the person is, as a certificate may say it; empty: nothing that it may is known. */
export function userOf(env: Environment): string {
  return (env['USER'] ?? '')
    .replace(/[^A-Za-z0-9-]/g, '')
    .replace(/^-+/, '')
    .slice(0, USER_CHARS_MAX)
}
