import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '../integration/images/support.ts'

/** A real sshd on a port of loopback, with host keys and one authorized key of its own. */
export interface TestSshd {
  readonly port: number
  /** A private key that lets root in, and one that does not. */
  readonly keyPath: string
  readonly strangeKeyPath: string
  /** Its host keys as they stand in known_hosts behind the host's name: `ssh-ed25519 AAAA…`. */
  readonly hostKeys: Readonly<Record<'ed25519' | 'ecdsa', string>>
  readonly directory: string
  /** What it has said so far, at level VERBOSE. */
  readonly log: () => string
  /** Processes of the connections it has now. */
  readonly connections: () => readonly number[]
  readonly stop: () => Promise<void>
}

/** `lines`: more of its configuration, such as `MaxSessions 2`; the first of a setting wins, so they stand first. */
export async function startSshd(lines: readonly string[] = []): Promise<TestSshd> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-sshd-'))
  const path = (name: string): string => join(directory, name)
  const port = await freePort()
  // It separates privileges below this folder, which the package's own service makes.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  makeKey('ed25519', path('host-ed25519'))
  makeKey('ecdsa', path('host-ecdsa'))
  makeKey('ed25519', path('id'))
  makeKey('ed25519', path('strange'))
  const config = [
    ...lines,
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${path('host-ed25519')}`,
    `HostKey ${path('host-ecdsa')}`,
    `AuthorizedKeysFile ${path('id.pub')}`,
    `PidFile ${path('pid')}`,
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(path('config'), `${config.join('\n')}\n`)
  const log = openSync(path('log'), 'a')
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path('config')], { stdio: ['ignore', log, log] })
  const said = (): string => readFileSync(path('log'), 'utf8')
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    await rm(directory, { recursive: true })
  }
  await until(() => said().includes('Server listening'))
  return {
    port,
    keyPath: path('id'),
    strangeKeyPath: path('strange'),
    hostKeys: { ed25519: publicKey(path('host-ed25519')), ecdsa: publicKey(path('host-ecdsa')) },
    directory,
    log: said,
    connections: () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number),
    stop,
  }
}

function makeKey(type: string, path: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', path])
}

function publicKey(path: string): string {
  const [type, base64] = readFileSync(`${path}.pub`, 'utf8').split(' ')
  return `${type} ${base64}`
}
