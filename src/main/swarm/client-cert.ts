import { join } from 'node:path'
import { badFlag, type CommandContext, type RunCommand } from '../../cli/index.ts'
import { invalidInput } from '../../core/errors.ts'
import type { Issued } from '../../manager/index.ts'
import {
  createCertificateMaker,
  LiveIdentity,
  parseJoinToken,
  replaceAuthorities,
  type Subject,
} from '../../trust/index.ts'
import { askToJoin, askToRenew } from '../trust/ask-managers.ts'
import { readAuthorities, readCredentials, readKey, writeCredentials, writeKey } from '../trust/identity-files.ts'
import { readManagers, readToken } from '../trust/token-input.ts'
import { checkIssued, otherFiles, ownerOf } from './certificate-files.ts'

/** A certificate that a person is to have. */
export interface ClientCertificateWish {
  readonly name: string
  readonly directory: string
  readonly managers: readonly string[]
  /** Absent: the certificate that is there is renewed. */
  readonly token: string | undefined
  /** Whose certificate is there, as far as it has to be of the same cluster. */
  readonly before?: Subject | undefined
}

type World = Pick<CommandContext, 'clock' | 'random' | 'signal'>

/** `swarm client-cert NAME`: gets or renews a person's certificate, in the files that docker looks for. */
export const runClientCertificate: RunCommand = async (invocation, context) => {
  const { options, args } = invocation
  const [name = ''] = args
  const directory = options.text('out') ?? defaultDirectory(context.env)
  const managers = readManagers(options)
  if (managers.length === 0) throw badFlag('--manager <host:port> is needed: where a manager answers')
  const before = await ownerOf(directory, name)
  if (options.flag('dryRun')) {
    const does = before === undefined ? 'get' : 'renew'
    context.stderr.write(`Would ${does} the certificate of ${name} in ${directory}\n`)
    return
  }
  const token = await readToken(options, context)
  const { expiresAt } = await obtainClientCertificate({ name, directory, managers, token, before }, context)
  context.stdout.write(`${directory}\n`)
  context.stderr.write(`Valid until ${expiresAt}. Use it with DOCKER_CERT_PATH=${directory} and DOCKER_TLS_VERIFY=1\n`)
}

/** The key is made here, once, and never leaves. Throws NO_IDENTITY, BAD_TOKEN, OTHER_FILES, and what managers answer. */
export async function obtainClientCertificate(
  { name, directory, managers, token: text, before }: ClientCertificateWish,
  { clock, random, signal }: World,
): Promise<{ readonly expiresAt: string }> {
  const maker = createCertificateMaker(random)
  const kept = await readKey(directory)
  const person = { name, role: 'client' as const, hosts: [] }
  const { csr, key } = await maker.request(kept === undefined ? person : { ...person, key: kept }).catch(error => {
    throw kept === undefined ? error : otherFiles(directory, 'a key.pem that was not made here')
  })
  const wanted = { directory, name, before, key }
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
    return keep(await askToRenew(csr, { ...asking, tls }), wanted, clock.nowMs())
  }
  const token = parseJoinToken(text)
  if (token.role !== 'client') {
    throw invalidInput(
      'BAD_TOKEN',
      `This join token is for a ${token.role}: make one with swarm token create --role client`,
    )
  }
  if (kept === undefined) await writeKey(directory, key)
  const issued = await askToJoin({ csr, token: text }, { ...asking, authority: token.authority })
  return keep(issued, wanted, clock.nowMs())
}

async function keep(issued: Issued, wanted: Wanted, nowMs: number): Promise<{ readonly expiresAt: string }> {
  const { certificate, clusterId, expiresAt } = issued
  const subject = checkIssued(issued, wanted, nowMs)
  const trusted = (await readAuthorities(wanted.directory)) ?? ''
  const authorities = replaceAuthorities(trusted, { clusterId, authorities: issued.authorities })
  await writeCredentials(wanted.directory, { subject, certificate, authorities, key: wanted.key })
  return { expiresAt }
}

type Wanted = Parameters<typeof checkIssued>[1] & { readonly key: string }

/** Where docker looks for its certificate. */
export function defaultDirectory(env: CommandContext['env']): string {
  return env['DOCKER_CERT_PATH'] || env['DOCKER_CONFIG'] || join(env['HOME'] ?? '/root', '.docker')
}
