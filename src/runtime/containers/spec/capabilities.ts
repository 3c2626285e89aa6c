import { invalidInput } from '../../../core/errors.ts'

/** Linux capabilities in the order of their numbers. Source: capabilities(7). */
const ALL = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map(name => `CAP_${name}`)

/** What Docker gives a container that asks for nothing. Source: Docker's documentation of runtime privileges. */
const DEFAULT: ReadonlySet<string> = new Set(
  [
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'SETGID',
    'SETUID',
    'SETPCAP',
    'NET_BIND_SERVICE',
    'NET_RAW',
    'SYS_CHROOT',
    'MKNOD',
    'AUDIT_WRITE',
    'SETFCAP',
  ].map(name => `CAP_${name}`),
)

export interface CapabilityWishes {
  readonly privileged: boolean
  readonly add: readonly string[]
  readonly drop: readonly string[]
}

/**
 * The capabilities of a container's processes: Docker's default set, with additions and removals (`ALL` included).
 *
 * `available` is the engine's own bounding set as a mask, so that nothing is asked for that the engine cannot give.
 * Throws 400 for a name that is no capability.
 */
export function chooseCapabilities({ privileged, add, drop }: CapabilityWishes, available: bigint): string[] {
  const added = new Set(add.map(text => capabilityName(text, 'CapAdd')))
  const dropped = new Set(drop.map(text => capabilityName(text, 'CapDrop')))
  return ALL.filter((name, bit) => {
    if ((available & (1n << BigInt(bit))) === 0n) return false
    if (privileged) return true
    if (added.has(name)) return true
    if (dropped.has(name)) return false
    if (added.has('ALL')) return true
    return DEFAULT.has(name) && !dropped.has('ALL')
  })
}

function capabilityName(text: string, field: string): string {
  const upper = text.toUpperCase()
  if (upper === 'ALL') return upper
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (!ALL.includes(name)) throw invalidInput('BAD_CAPABILITY', `invalid ${field}: unknown capability: "${name}"`)
  return name
}

/** Reads the bounding set from the text of /proc/self/status. */
export function parseBoundingSet(status: string): bigint {
  const digits = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return digits === undefined ? (1n << BigInt(ALL.length)) - 1n : BigInt(`0x${digits}`)
}
