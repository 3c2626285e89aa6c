import { readFile } from 'node:fs/promises'
import { errorCode, errorMessage } from '../../core/errors.ts'
import { expandHome } from './expand-home.ts'
import { badKey } from './failure.ts'
import type { Credential } from './pooled/login.ts'
import type { SshOptions } from './ssh-options.ts'

/** A private key as it stands in a file. */
interface KeyFile {
  readonly path: string
  readonly content: Buffer
}

export interface FoundKeys {
  /** What to offer, in order. */
  readonly credentials: readonly Credential[]
  /** Why OpenSSH's own client is needed for one of them; absent: it is not. */
  readonly needsOpenSsh?: string
}

interface Choice {
  /** The key that the person named; it alone is offered. */
  readonly keyPath?: string
  readonly options: Pick<SshOptions, 'identityFiles' | 'identityAgent' | 'identitiesOnly'>
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The keys to log in with: the one that is named, or those of ssh's configuration and of the agent. Throws SSH_BAD_KEY for a
 * named key that cannot be read; keys of the configuration that are not there are passed over, as ssh does, and those that turn out
 * not to be readable too.
 */
export async function findCredentials({ keyPath, options, env }: Choice): Promise<FoundKeys> {
  if (keyPath !== undefined) return asCredentials([await readNamedKey(keyPath)], false)
  const files: KeyFile[] = []
  for (const path of options.identityFiles.map(expandHome)) {
    const content = await readFile(path).catch(() => undefined)
    if (content !== undefined) files.push({ path, content })
  }
  const agent = agentOf(options, env)
  const found = asCredentials(
    files.filter(({ content }) => agent === undefined || !isEncrypted(content)),
    true,
  )
  if (agent === undefined) return found
  return { ...found, credentials: [{ label: 'the agent', agent }, ...found.credentials] }
}

function agentOf({ identityAgent, identitiesOnly }: Choice['options'], env: Choice['env']): string | undefined {
  if (identitiesOnly || identityAgent === 'none') return undefined
  return identityAgent === undefined ? env['SSH_AUTH_SOCK'] || undefined : expandHome(identityAgent)
}

async function readNamedKey(path: string): Promise<KeyFile> {
  try {
    return { path, content: await readFile(expandHome(path)) }
  } catch (error) {
    const why = errorCode(error) === 'ENOENT' ? 'there is no such file' : errorMessage(error)
    throw badKey(path, 'the host', why)
  }
}

function asCredentials(files: readonly KeyFile[], isOptional: boolean): FoundKeys {
  const special = files.map(({ content }) => needsOpenSsh(content)).find(why => why !== undefined)
  const credentials = files.map(({ path, content }): Credential => ({ label: path, key: content, isOptional }))
  return { credentials, ...(special === undefined ? {} : { needsOpenSsh: special }) }
}

/** Kinds of keys that only OpenSSH reads. */
function needsOpenSsh(content: Buffer): string | undefined {
  const text = content.toString('latin1')
  if (text.includes('-----BEGIN PRIVATE KEY-----')) return 'a key in PKCS#8'
  const body = Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').toString('latin1')
  return body.includes('sk-ssh-') || body.includes('sk-ecdsa-') ? 'a key in hardware' : undefined
}

/** Whether a passphrase protects it; then the agent is the one who has it. */
function isEncrypted(content: Buffer): boolean {
  const text = content.toString('latin1')
  if (text.includes('ENCRYPTED')) return true
  const body = Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').toString('latin1')
  return body.startsWith('openssh-key-v1\0') && !body.startsWith(`openssh-key-v1\0\0\0\0\x04none`)
}
