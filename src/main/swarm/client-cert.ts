import { join } from 'node:path'
import { badFlag, type CommandContext, type RunCommand } from '../../cli/index.ts'
import { invalidInput } from '../../core/errors.ts'
import {
  type Credentials,
  createCertificateMaker,
  LiveIdentity,
  parseJoinToken,
  readCertificate,
} from '../../trust/index.ts'
import { askToJoin, askToRenew } from '../trust/ask-managers.ts'
import { readCredentials, readKey, writeCredentials, writeKey } from '../trust/identity-files.ts'
import { readManagers, readToken } from '../trust/token-input.ts'

/** A certificate that a person is to have. */
export interface ClientCertificateWish {
  readonly name: string
  readonly directory: string
  readonly managers: readonly string[]
  /** Absent: the certificate that is there is renewed. */
  readonly token: string | undefined
}

type World = Pick<CommandContext, 'clock' | 'random' | 'signal'>

/** `swarm client-cert NAME`: gets or renews a person's certificate, in the files that docker looks for. */
export const runClientCertificate: RunCommand = async (invocation, context) => {
  const { options, args } = invocation
  const [name = ''] = args
  const directory = options.text('out') ?? defaultDirectory(context)
  const managers = readManagers(options)
  if (managers.length === 0) throw badFlag('--manager <host:port> is needed: where a manager answers')
  const token = await readToken(options, context)
  const { expiresAt } = await obtainClientCertificate({ name, directory, managers, token }, context)
  context.stdout.write(`${directory}\n`)
  context.stderr.write(`Valid until ${expiresAt}. Use it with DOCKER_CERT_PATH=${directory} and DOCKER_TLS_VERIFY=1\n`)
}

/** The key is made here, once, and never leaves. Throws NO_IDENTITY, BAD_TOKEN, and what managers answer. */
export async function obtainClientCertificate(
  { name, directory, managers, token: text }: ClientCertificateWish,
  { clock, random, signal }: World,
): Promise<{ readonly expiresAt: string }> {
  const maker = createCertificateMaker(random)
  const kept = await readKey(directory)
  const { csr, key } = await maker.request({
    name,
    role: 'client',
    hosts: [],
    ...(kept === undefined ? {} : { key: kept }),
  })
  const asking = { managers, clock, signal }
  if (text === undefined) {
    const known = await readCredentials(directory)
    if (known === undefined) {
      throw invalidInput(
        'NO_IDENTITY',
        `There is no certificate in ${directory} to renew: give --token, for the role client`,
      )
    }
    const tls = new LiveIdentity(known).dial({ role: 'manager' })
    return keep(directory, { ...(await askToRenew(csr, { ...asking, tls })), key })
  }
  const token = parseJoinToken(text)
  if (token.role !== 'client') {
    throw invalidInput(
      'BAD_TOKEN',
      `This join token is for a ${token.role}: make one with swarm token create --role client`,
    )
  }
  if (kept === undefined) await writeKey(directory, key)
  return keep(directory, { ...(await askToJoin({ csr, token: text }, { ...asking, authority: token.authority })), key })
}

async function keep(directory: string, issued: IssuedWithKey): Promise<{ readonly expiresAt: string }> {
  const { certificate, authorities, key, expiresAt } = issued
  const { subject } = readCertificate(certificate)
  if (subject === undefined) throw invalidInput('BAD_CERTIFICATE', 'The manager answered with no certificate of ours')
  await writeCredentials(directory, { subject, certificate, authorities, key })
  return { expiresAt }
}

type IssuedWithKey = Omit<Credentials, 'subject'> & { readonly expiresAt: string }

function defaultDirectory({ env }: Pick<CommandContext, 'env'>): string {
  return env['DOCKER_CERT_PATH'] || join(env['HOME'] ?? '/root', '.docker')
}
