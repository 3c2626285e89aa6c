import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { conflict, invalidInput } from '../../core/errors.ts'
import type { Issued } from '../../manager/index.ts'
import { type Subject, verifyCertificate } from '../../trust/index.ts'
import { readCredentials } from '../trust/identity-files.ts'

/**
 * Whose certificate lies in a directory, if it is that of this person. Throws 409 OTHER_FILES for files of somebody else: docker and
 * others keep theirs under the same names.
 */
export async function ownerOf(directory: string, name: string): Promise<Subject | undefined> {
  const known = await readCredentials(directory).catch(() => undefined)
  if (known === undefined) {
    for (const file of ['cert.pem', 'ca.pem']) {
      if (await isThere(join(directory, file))) throw otherFiles(directory, `a ${file} that was not made here`)
    }
    return undefined
  }
  const { subject } = known
  if (subject.name === name && subject.role === 'client') return subject
  throw otherFiles(directory, `the certificate of the ${subject.role} ${subject.name}`)
}

/** The subject of what a manager has answered. Throws what is wrong with it, and 409 OTHER_FILES for another cluster than before. */
export function checkIssued(
  { certificate, authorities, clusterId }: Pick<Issued, 'certificate' | 'authorities' | 'clusterId'>,
  wanted: { readonly name: string; readonly before: Subject | undefined; readonly directory: string },
  nowMs: number,
): Subject {
  const { name, before, directory } = wanted
  if (before !== undefined && before.clusterId !== clusterId) {
    throw otherFiles(directory, `a certificate for the cluster ${before.clusterId}, and this is ${clusterId}`)
  }
  const { subject } = verifyCertificate(certificate, {
    authorities,
    nowMs,
    subject: { name, role: 'client', clusterId },
  })
  if (subject === undefined) throw invalidInput('BAD_CERTIFICATE', 'The manager answered with no certificate of ours')
  return subject
}

export function otherFiles(directory: string, what: string): Error {
  return conflict('OTHER_FILES', `There is ${what} in ${directory}: name another directory with --out`, {
    details: { refused: true },
  })
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
