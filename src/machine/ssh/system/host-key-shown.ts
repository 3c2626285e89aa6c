import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failed } from '../../../core/errors.ts'
import { readPins } from '../../store/pinned-keys.ts'
import { PINNED_NAME } from '../client-config.ts'
import type { HostKey } from '../host-key.ts'
import type { ConnectPorts } from '../transport.ts'
import { LOGIN_MS_MAX, SshProgram, type SystemDestination } from './ssh-program.ts'

/** The key that a host shows, before anybody logs in. `signatures`: those to ask it for; none: any. */
export async function hostKeyShownTo(
  to: SystemDestination,
  ports: ConnectPorts,
  { signatures, signal }: { readonly signatures: readonly string[]; readonly signal: AbortSignal },
): Promise<HostKey> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
  try {
    const file = join(folder, 'shown')
    const ssh = new SshProgram({ ...to, pinned: [] }, ports, { folder, first: learningSettings(file, signatures) })
    const { stderr } = await ssh.run([to.host, 'true'], { timeoutMs: LOGIN_MS_MAX, signal, what: 'ssh' })
    const [key] = readPins(await readFile(file, 'utf8').catch(() => ''))
    if (key !== undefined) return key
    const why = stderr.trim().split('\n').at(-1) ?? ''
    throw ssh.failureIn(stderr) ?? failed('SSH_FAILED', `${to.host} shows no host key: ${why}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Has ssh note the key that a host shows, and then not log in: whose it is nobody knows yet. */
function learningSettings(file: string, signatures: readonly string[]): string[] {
  return [
    'ControlMaster=no',
    'ControlPath=none',
    'PreferredAuthentications=none',
    'StrictHostKeyChecking=accept-new',
    `HostKeyAlias=${PINNED_NAME}`,
    `UserKnownHostsFile=${file}`,
    'GlobalKnownHostsFile=none',
    'HashKnownHosts=no',
    'UpdateHostKeys=no',
    ...(signatures.length === 0 ? [] : [`HostKeyAlgorithms=${signatures.join(',')}`]),
  ]
}
