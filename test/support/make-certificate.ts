import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

/** A certificate for 127.0.0.1 that is its own authority, and its key. */
export function makeCertificate(): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  return selfSigned(EC, ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'])
}

/** An authority as openssl makes it; `key` is what it is told of the key, such as `rsa:2048`. PEM texts. */
export async function makeAuthority(
  key: readonly string[] = EC,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const made = await selfSigned(key, ['-subj', '/O=ann'])
  return { certificate: made.cert.toString(), key: made.key.toString() }
}

async function selfSigned(newKey: readonly string[], words: readonly string[]): Promise<{ cert: Buffer; key: Buffer }> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-tls-'))
  try {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const made = ['-newkey', ...newKey, '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '1', ...words, ...made], { stdio: 'ignore' })
    return { cert: await readFile(cert), key: await readFile(key) }
  } finally {
    await rm(directory, { recursive: true })
  }
}
