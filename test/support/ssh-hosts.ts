import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { until } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'

/**
 * Goes into a root of its own, a copy-on-write view of this machine's, and runs sshd there: whatever is provisioned stays in it.
 * Docker's socket and what this machine has of Shoal are not seen; these sources are, at /opt/source.
 */
const ENTER = `set -e
root=$1/root
mkdir -p "$1/upper" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"
for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root/run/sshd" "$root/etc/shoal-test"
rm -rf "$root/opt/shoal" "$root/etc/shoal" "$root/var/lib/shoal" "$root/usr/local/bin/shoal" "$root/usr/local/bin/swarm"
mkdir -p "$root/var/lib/shoal" "$root/opt/source"
mount --bind "$3" "$root/opt/source"
mount --bind "$1/lib" "$root/var/lib/shoal"
cp "$2"/* "$root/etc/shoal-test/"
chmod 600 "$root"/etc/shoal-test/host
# What this machine's root has in its shell would be run before each command.
rm -f "$root/root/.bashrc" "$root/root/.profile"
# sudo looks its host's name up.
echo "127.0.1.1 $(hostname)" >> "$root/etc/hosts"
exec chroot "$root" /usr/sbin/sshd -D -e -f /etc/shoal-test/config
`

export interface SshHost {
  readonly name: string
  readonly address: string
  /** Where its root is on this machine, written to and read by tests: the upper layer of what it sees. */
  readonly changes: string
}

/** Bare hosts with a real sshd, each in namespaces and with a root of its own. */
export class SshHosts {
  readonly directory: string
  /** A private key that lets root in, and one that does not. */
  readonly keyPath: string
  readonly strangeKeyPath: string
  /** As it stands in known_hosts: `ssh-ed25519 AAAA…`. All hosts have the same. */
  readonly hostKey: string
  /** An empty configuration for ssh, instead of this machine's. */
  readonly sshConfig: string
  readonly hosts: Hosts

  private constructor(directory: string, hosts: Hosts) {
    this.directory = directory
    this.hosts = hosts
    this.keyPath = join(directory, 'keys', 'id')
    this.strangeKeyPath = join(directory, 'keys', 'strange')
    this.sshConfig = join(directory, 'keys', 'ssh-config')
    this.hostKey = readFileSync(join(directory, 'keys', 'sshd', 'host.pub'), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')
  }

  /** `subnet`: the first three numbers of their addresses. */
  static async open(bridge: string, subnet: string): Promise<SshHosts> {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-ssh-'))
    const keys = join(directory, 'keys')
    mkdirSync(join(keys, 'sshd'), { recursive: true })
    for (const path of ['id', 'strange', 'sshd/host']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(keys, path)])
    }
    writeFileSync(join(keys, 'sshd', 'authorized'), readFileSync(join(keys, 'id.pub')))
    writeFileSync(join(keys, 'sshd', 'config'), CONFIG)
    writeFileSync(join(keys, 'ssh-config'), '')
    const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge, gateway: `${subnet}.1` })
    await hosts.open()
    return new SshHosts(directory, hosts)
  }

  async start(name: string, address: string): Promise<SshHost> {
    await this.hosts.start(name, address)
    const place = this.hosts.dataDirectory(name)
    mkdirSync(join(place, 'lib'), { recursive: true })
    this.hosts.spawn(name, 'sshd', [
      'sh',
      '-c',
      ENTER,
      'enter',
      place,
      join(this.directory, 'keys', 'sshd'),
      resolve('.'),
    ])
    await until(`sshd on ${name}`, async () => ((await isListening(address)) ? true : undefined), { everyMs: 50 })
    return { name, address, changes: join(place, 'upper') }
  }

  /** Runs a script as root on a host, past sshd. */
  run(name: string, script: string): Promise<string> {
    return this.hosts.run(name, ['chroot', join(this.hosts.dataDirectory(name), 'root'), 'sh', '-c', script])
  }

  /** What tests need to see of it: processes of the host whose command line matches. */
  pids(name: string, pattern: RegExp): number[] {
    return this.hosts.pids(name, pattern)
  }

  async close(): Promise<void> {
    await this.hosts.removeAll()
    await rm(this.directory, { recursive: true, force: true })
  }
}

const CONFIG = `Port 22
HostKey /etc/shoal-test/host
AuthorizedKeysFile /etc/shoal-test/authorized
PidFile none
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
LogLevel VERBOSE
Subsystem sftp internal-sftp
`

function isListening(host: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port: 22 })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
