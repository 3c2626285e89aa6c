import { join } from 'node:path'
import type { Machine } from '../../../../src/machine/index.ts'
import { PLAIN_ENGINE } from '../../../../src/machine/index.ts'
import type { SshHosts } from '../../../support/ssh-hosts.ts'
import type { ProvisionTask } from './provision-program.ts'

/** A machine as its record says, with an engine whose containers the host's removal finds. */
export function machineOn(hosts: SshHosts, name: string): Machine {
  const engine = { ...PLAIN_ENGINE, options: [`cgroup-parent=${hosts.hosts.cgroupParent(name)}`] }
  return { name, driver: 'generic', settings: {}, certificateNames: [], createdAtMs: 0, engine }
}

export function taskFor(hosts: SshHosts, name: string, address: string): ProvisionTask {
  return {
    machine: machineOn(hosts, name),
    address,
    keyPath: hosts.keyPath,
    hostKey: hosts.hostKey,
    sshConfig: hosts.sshConfig,
    store: join(hosts.directory, 'store'),
  }
}

/** Of `asked`. */
export const PASSWORD = 'open sesame'

/** Users of a host: sudo lets `free` in, asks `asked` for a password, and does not know `plain`. */
export async function addUsers(hosts: SshHosts, name: string): Promise<void> {
  const users = [
    // No password of theirs is known, and they may log in by key all the same.
    "useradd -m -p '*' plain",
    'useradd -m asked',
    `echo 'asked:${PASSWORD}' | chpasswd`,
    "useradd -m -p '*' free",
    "printf 'asked ALL=(root) ALL\\nfree ALL=(root) NOPASSWD: ALL\\n' > /etc/sudoers.d/shoal-test",
    'chmod 440 /etc/sudoers.d/shoal-test',
  ]
  await hosts.run(name, users.join('\n'))
}
