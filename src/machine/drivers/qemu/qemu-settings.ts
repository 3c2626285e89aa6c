import { isIP, isIPv4 } from 'node:net'
import { invalidInput } from '../../../core/errors.ts'
import { ENGINE_PORT } from '../../model/cluster-ports.ts'
import type { Settings } from '../../model/machine.ts'
import type { DriverFlag } from '../driver.ts'
import { badFlag, checkPort, listOf, numberOf, optionalTextOf, textOf } from '../settings.ts'

const ACCELERATORS = ['auto', 'kvm', 'tcg']
const NETWORKS = ['user', 'bridge']
const PORT_MAX = 65_535
const MEMORY_MB_MIN = 256
const DISK_MB_MIN = 4_096
const CPUS_MAX = 256

export const QEMU_FLAGS: readonly DriverFlag[] = [
  { name: 'qemu-cpus', type: 'number', summary: 'processors', env: 'QEMU_CPUS', preset: 1 },
  { name: 'qemu-memory', type: 'number', summary: 'memory in MB', env: 'QEMU_MEMORY', preset: 1024 },
  { name: 'qemu-disk', type: 'number', summary: 'size of the disk in MB', env: 'QEMU_DISK', preset: 20_000 },
  {
    name: 'qemu-accel',
    type: 'text',
    summary: 'kvm, tcg (emulation, slow), or auto: kvm where it works',
    env: 'QEMU_ACCEL',
    preset: 'auto',
  },
  {
    name: 'qemu-network',
    type: 'text',
    summary: 'user (ports of this host), or bridge (an address of its own)',
    env: 'QEMU_NETWORK',
    preset: 'user',
  },
  { name: 'qemu-bridge', type: 'text', summary: 'bridge that the machine is attached to', env: 'QEMU_BRIDGE' },
  { name: 'qemu-address', type: 'text', summary: 'address on the bridge: 10.0.0.5/24', env: 'QEMU_ADDRESS' },
  { name: 'qemu-gateway', type: 'text', summary: 'gateway on the bridge (default: none)', env: 'QEMU_GATEWAY' },
  { name: 'qemu-dns', type: 'list', summary: 'address of a name server', env: 'QEMU_DNS' },
  {
    name: 'qemu-forward',
    type: 'list',
    summary: 'port of this host that leads to one of the machine: 8080:80 (user network)',
  },
  {
    name: 'qemu-engine-port',
    type: 'number',
    summary: 'port of the engine on a bridge (user network: one that is free)',
    preset: ENGINE_PORT,
  },
  { name: 'qemu-ssh-user', type: 'text', summary: 'who logs in', env: 'QEMU_SSH_USER', preset: 'root' },
  { name: 'qemu-ssh-public-key', type: 'list', summary: 'file of one more public key that may log in' },
  { name: 'qemu-image', type: 'text', summary: 'folder of an image that was built elsewhere', env: 'QEMU_IMAGE' },
  { name: 'qemu-suite', type: 'text', summary: 'suite of Debian', env: 'QEMU_SUITE', preset: 'bookworm' },
  { name: 'qemu-mirror', type: 'text', summary: "where Debian's packages come from", env: 'QEMU_MIRROR' },
  { name: 'qemu-package', type: 'list', summary: 'one more Debian package in the image' },
]

/** A port of this host, on loopback, and where in the machine it leads. */
export interface Forward {
  readonly host: number
  readonly guest: number
}

/** Throws BAD_FLAG for the first setting that cannot be. */
export function checkQemuSettings(settings: Settings): void {
  checkNumber(settings, 'qemu-cpus', [1, CPUS_MAX])
  checkNumber(settings, 'qemu-memory', [MEMORY_MB_MIN, Number.MAX_SAFE_INTEGER])
  checkNumber(settings, 'qemu-disk', [DISK_MB_MIN, Number.MAX_SAFE_INTEGER])
  checkPort(settings, 'qemu-engine-port')
  checkText(settings, 'qemu-accel', text => ACCELERATORS.includes(text), 'expected auto, kvm or tcg')
  checkText(settings, 'qemu-network', text => NETWORKS.includes(text), 'expected user or bridge')
  checkText(settings, 'qemu-ssh-user', text => /^[a-z_][a-z0-9_-]{0,31}$/.test(text), 'expected a name of a Linux user')
  checkText(settings, 'qemu-suite', text => /^[a-z][a-z-]*$/.test(text), 'expected a suite such as bookworm')
  checkText(settings, 'qemu-mirror', text => /^https?:\/\/[^\s,]+$/.test(text), 'expected the URL of a mirror')
  for (const text of listOf(settings, 'qemu-package')) {
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(text)) throw badFlag('qemu-package', text, "expected a package's name")
  }
  for (const text of listOf(settings, 'qemu-dns')) {
    if (isIP(text) === 0) throw badFlag('qemu-dns', text, 'expected an address')
  }
  forwardsOf(settings)
  checkNetwork(settings)
}

/** What `--qemu-forward` asks for. Throws BAD_FLAG. */
export function forwardsOf(settings: Settings): readonly Forward[] {
  return listOf(settings, 'qemu-forward').map(text => {
    const [, host = '0', guest = '0'] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? []
    const ports = [Number(host), Number(guest)]
    if (ports.some(port => port < 1 || port > PORT_MAX)) {
      throw badFlag('qemu-forward', text, 'expected two ports, of this host and of the machine: 8080:80')
    }
    return { host: Number(host), guest: Number(guest) }
  })
}

export function isBridged(settings: Settings): boolean {
  return textOf(settings, 'qemu-network') === 'bridge'
}

function checkNetwork(settings: Settings): void {
  const bridgeOnly = ['qemu-bridge', 'qemu-address', 'qemu-gateway']
  if (!isBridged(settings)) {
    const given = bridgeOnly.find(flag => optionalTextOf(settings, flag) !== undefined)
    if (given !== undefined) throw invalidInput('BAD_FLAG', `--${given} is for --qemu-network bridge: add that`)
    return
  }
  if (forwardsOf(settings).length > 0) {
    throw invalidInput(
      'BAD_FLAG',
      '--qemu-forward is for the user network: on a bridge, use the address of the machine',
    )
  }
  for (const flag of ['qemu-bridge', 'qemu-address']) {
    if (optionalTextOf(settings, flag) === undefined) {
      throw invalidInput('BAD_FLAG', `--${flag} is required with --qemu-network bridge`)
    }
  }
  // The kernel's limit on names of interfaces, and nothing that ip could take for a flag.
  checkText(settings, 'qemu-bridge', text => /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(text), 'expected a bridge')
  checkText(settings, 'qemu-address', isPrefixed, 'expected an IPv4 address and the size of its network: 10.0.0.5/24')
  checkText(settings, 'qemu-gateway', isIPv4, 'expected an IPv4 address')
}

function isPrefixed(text: string): boolean {
  const [address = '', prefix = '', more] = text.split('/')
  return isIPv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32 && more === undefined
}

function checkNumber(settings: Settings, flag: string, [min, max]: readonly [number, number]): void {
  const value = numberOf(settings, flag)
  if (value >= min && value <= max) return
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`
  throw badFlag(flag, String(value), `expected ${range}`)
}

function checkText(settings: Settings, flag: string, fits: (text: string) => boolean, expected: string): void {
  const text = optionalTextOf(settings, flag)
  if (text !== undefined && !fits(text)) throw badFlag(flag, text, expected)
}
