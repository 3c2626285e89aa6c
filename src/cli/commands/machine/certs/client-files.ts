import { join } from 'node:path'
import { type ClientFiles, readIfThere } from '../../../../machine/index.ts'

/** What is shown to a server, named as docker-machine did: $DOCKER_CERT_PATH points to such a folder. */
export const CLIENT_FILES = { authority: 'ca.pem', certificate: 'cert.pem', key: 'key.pem' } as const

/** The authority by which a machine's engine is known here; undefined: by none. */
export function readKnownAuthority(folder: string): Promise<string | undefined> {
  return readIfThere(join(folder, CLIENT_FILES.authority))
}

/** Undefined: something of it is missing. Throws STORE_READ for what is there and cannot be read. */
export async function readClientFiles(folder: string): Promise<ClientFiles | undefined> {
  const [authority, certificate, key] = await Promise.all(
    Object.values(CLIENT_FILES).map(file => readIfThere(join(folder, file))),
  )
  if (authority === undefined || certificate === undefined || key === undefined) return undefined
  return { authority, certificate, key }
}
