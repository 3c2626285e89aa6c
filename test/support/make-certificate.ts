import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate for 127.0.0.1 that is its own authority, and its key. */
export async function makeCertificate(): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-tls-'))
  try {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '1', ...subject, ...made], { stdio: 'ignore' })
    return { cert: await readFile(cert), key: await readFile(key) }
  } finally {
    await rm(directory, { recursive: true })
  }
}
