import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorCode, failed } from '../../core/errors.ts'
import { parseSshOptions, type SshOptions } from './ssh-options.ts'
import type { ConnectPorts } from './transport.ts'

/** For what a `Match exec` of its configuration does. A busy machine takes long over any program. */
const SSH_MS_MAX = 60_000

export interface SshRequest {
  /** A name of ssh's configuration, or of the network, or an address. */
  readonly host: string
  /** Those that the person named; they win over the configuration. */
  readonly port?: number
  readonly user?: string
  /** Logs in under the person's own name where nobody says who, as ssh does, and not as root. */
  readonly plainUser?: boolean
}

const OWN_CONFIG = ['~/.ssh/config', '/etc/ssh/ssh_config']

/**
 * What OpenSSH would do for a host, as it tells itself. Logs in as root where neither the person nor the configuration says who:
 * a setting counts where it stands first, so ours stands last. Without an `ssh` on this machine, what was asked for and no more.
 */
export async function resolveSshOptions(request: SshRequest, ports: ConfigPorts): Promise<SshOptions> {
  const text = await dumpSshConfig(request, ports)
  return text === undefined ? plainOptions(request) : parseSshOptions(text)
}

type ConfigPorts = Pick<ConnectPorts, 'env' | 'configFile'>

/** The output of `ssh -G`; undefined if there is no ssh on this machine. Throws SSH_FAILED. */
export async function dumpSshConfig(
  { host, port, user, plainUser = false }: SshRequest,
  { env, configFile }: ConfigPorts,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
  try {
    const config = join(folder, 'config')
    const includes = (configFile === undefined ? OWN_CONFIG : [configFile]).map(path => `Include ${path}\n`)
    await writeFile(config, `${includes.join('')}${plainUser ? '' : 'Match all\n  User root\n'}`)
    const named = [...(port === undefined ? [] : ['-p', String(port)]), ...(user === undefined ? [] : ['-l', user])]
    const { stdout } = await promisify(execFile)('ssh', ['-F', config, '-G', ...named, '--', host], {
      env: { ...env },
      timeout: SSH_MS_MAX,
    })
    return stdout
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined
    const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim() : ''
    throw failed('SSH_FAILED', `ssh cannot read its configuration for ${host}: ${said}`, { cause })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function plainOptions({ host, port = 22, user = 'root' }: SshRequest): SshOptions {
  return {
    hostName: host,
    port,
    user,
    identityFiles: ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'],
    identitiesOnly: false,
    knownHostsFiles: ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
    proxyJump: [],
  }
}
