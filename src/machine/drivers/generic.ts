import { isIPv6 } from 'node:net'
import { ENGINE_PORT } from '../model/cluster-ports.ts'
import type { Settings } from '../model/machine.ts'
import type { Driver, SshTarget, Whereabouts } from './driver.ts'
import { rebootHost } from './reboot.ts'
import { badFlag, checkPort, numberOf, optionalTextOf, textOf } from './settings.ts'

/** A host that runs already and can be reached over SSH. */
export const genericDriver: Driver = {
  name: 'generic',
  summary: 'any host that can be reached over SSH',
  flags: [
    {
      name: 'generic-ip-address',
      type: 'text',
      summary: 'name or address of the host; --host says it with user and port',
      env: 'GENERIC_IP_ADDRESS',
      required: true,
    },
    { name: 'generic-ssh-user', type: 'text', summary: 'who logs in', env: 'GENERIC_SSH_USER', preset: 'root' },
    {
      name: 'generic-ssh-key',
      type: 'text',
      summary: "file of the private key (default: what ssh's configuration and agent offer)",
      env: 'GENERIC_SSH_KEY',
    },
    { name: 'generic-ssh-port', type: 'number', summary: 'port of sshd', env: 'GENERIC_SSH_PORT', preset: 22 },
    {
      name: 'generic-engine-port',
      type: 'number',
      summary: 'port of the engine',
      env: 'GENERIC_ENGINE_PORT',
      preset: ENGINE_PORT,
    },
  ],
  check(settings) {
    const address = textOf(settings, 'generic-ip-address')
    // Anything else could be taken for an option of ssh, or for a user.
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(address) && !isIPv6(address)) {
      throw badFlag('generic-ip-address', address, 'expected a host name or an address, without a port')
    }
    for (const flag of ['generic-ssh-port', 'generic-engine-port']) checkPort(settings, flag)
  },
  whereabouts: ({ settings }) => whereaboutsOf(settings),
  async state({ settings }, { isReachable }, signal) {
    const { host, port } = sshOf(settings)
    return (await isReachable(host, port, signal)) ? 'Running' : 'Stopped'
  },
  // Its power is not ours: what is off stays off, so that it is neither stopped nor started.
  restart: rebootHost,
}

function whereaboutsOf(settings: Settings): Whereabouts {
  const address = textOf(settings, 'generic-ip-address')
  const host = isIPv6(address) ? `[${address}]` : address
  return { address, url: `tcp://${host}:${numberOf(settings, 'generic-engine-port')}`, ssh: sshOf(settings) }
}

function sshOf(settings: Settings): SshTarget {
  const keyPath = optionalTextOf(settings, 'generic-ssh-key')
  return {
    host: textOf(settings, 'generic-ip-address'),
    port: numberOf(settings, 'generic-ssh-port'),
    user: textOf(settings, 'generic-ssh-user'),
    ...(keyPath === undefined ? {} : { keyPath }),
  }
}
