import type { SshKeyPair } from '../ssh-key.ts'
import { type CpioEntry, packCpio } from './image/cpio.ts'

/** What makes a machine of an image this one. */
export interface Seed {
  readonly hostName: string
  /** With the size of its network: `10.0.2.15/24`. */
  readonly address: string
  readonly gateway?: string
  readonly nameServers: readonly string[]
  readonly user: string
  /** Who may log in, a key a line. */
  readonly authorizedKeys: readonly string[]
  readonly hostKey: SshKeyPair
}

/**
 * The seed as an archive that the kernel unpacks behind the image's: files below /seed/root, which the first program lays over
 * the disk at every start, and a line on the network.
 */
export function packSeed(seed: Seed): Buffer {
  const { hostName, address, gateway = '-', nameServers, user, hostKey } = seed
  const home = user === 'root' ? 'root' : `home/${user}`
  const files: readonly CpioEntry[] = [
    text('etc/hostname', `${hostName}\n`),
    text('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${hostName}\n::1 localhost ip6-localhost\n`),
    text('etc/resolv.conf', nameServers.map(server => `nameserver ${server}\n`).join('')),
    text('etc/ssh/ssh_host_ed25519_key', hostKey.privateKey, 0o600),
    text('etc/ssh/ssh_host_ed25519_key.pub', `${hostKey.publicKey}\n`),
    text(`${home}/.ssh/authorized_keys`, seed.authorizedKeys.map(key => `${key}\n`).join(''), 0o600),
    ...(user === 'root' ? [] : [text(`etc/sudoers.d/${user}`, `${user} ALL=(ALL) NOPASSWD:ALL\n`, 0o440)]),
  ]
  const below = files.map(entry => ({ ...entry, path: `seed/root/${entry.path}` }))
  const line = text('seed/network', `${address} ${gateway} ${user}\n`)
  return packCpio([...foldersOf(below).map(folder), ...below, line])
}

/** All folders that the files are in, the outer ones first. */
function foldersOf(files: readonly CpioEntry[]): string[] {
  const all = files.flatMap(({ path }) => {
    const parts = path.split('/').slice(0, -1)
    return parts.map((_part, index) => parts.slice(0, index + 1).join('/'))
  })
  return [...new Set(all)]
}

function folder(path: string): CpioEntry {
  // Their modes take the place of those on the disk.
  const isPrivate = path.endsWith('/.ssh') || path === 'seed/root/root' || path.endsWith('/sudoers.d')
  return { path, mode: isPrivate ? 0o700 : 0o755 }
}

function text(path: string, content: string, mode = 0o644): CpioEntry {
  return { path, mode, content: Buffer.from(content) }
}
