import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestSshd } from './sshd.ts'

export interface SshClient {
  /** For commands: an `ssh` that knows the host and has its key, and nothing of the person who runs the tests. */
  readonly environment: Readonly<Record<string, string>>
  readonly address: string
}

/**
 * Makes an `ssh` for a test's sshd. `options`: more of what it is told, such as `ProxyCommand=…`, `[...] known` without the host's
 * key where it is not to be known.
 */
export function sshClient(
  sshd: TestSshd,
  {
    name = 'client',
    options = [],
    isKnown = true,
  }: { name?: string; options?: readonly string[]; isKnown?: boolean } = {},
): SshClient {
  const folder = join(sshd.directory, name)
  mkdirSync(folder)
  const known = join(folder, 'known')
  writeFileSync(known, isKnown ? `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ed25519}\n` : '')
  const settings = [`UserKnownHostsFile=${known}`, `IdentityFile=${sshd.keyPath}`, 'IdentitiesOnly=yes', ...options]
  writeProgram(join(folder, 'ssh'), `exec /usr/bin/ssh ${settings.map(each => `-o '${each}'`).join(' ')} "$@"`)
  return {
    environment: { PATH: `${folder}:${process.env['PATH']}`, HOME: folder },
    address: `ssh://root@127.0.0.1:${sshd.port}`,
  }
}

/** A folder for the PATH of a host on which our program goes by docker's name. */
export function hostPrograms(folder: string): string {
  mkdirSync(folder)
  const program = `${process.execPath} --disable-warning=ExperimentalWarning ${resolve('src/main/cli.ts')}`
  writeProgram(join(folder, 'docker'), `exec ${program} shoal "$@"`)
  return folder
}

function writeProgram(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`)
  chmodSync(path, 0o755)
}
