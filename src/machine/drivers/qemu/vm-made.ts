import { conflict } from '../../../core/errors.ts'
import type { Random } from '../../../core/random.ts'
import type { Machine, Settings } from '../../model/machine.ts'
import { numberOf, optionalTextOf, textOf } from '../settings.ts'
import { isBridged } from './qemu-settings.ts'

/** What the record keeps of a virtual machine. */
export interface VmMade {
  readonly id: string
  /** Its image: a name in the cache, or the folder of one that was built elsewhere. */
  readonly image: string
  /** Fingerprint of the host key that we gave it. */
  readonly hostKey: string
  /** Ports of this host that lead to its sshd and engine; absent on a bridge. */
  readonly ports?: { readonly ssh: number; readonly engine: number }
}

/** Of a machine whose `create` got so far that it can be started; undefined: it did not. */
export function madeOf({ made = {}, settings }: Pick<Machine, 'made' | 'settings'>): VmMade | undefined {
  const id = optionalTextOf(made, 'id')
  const image = optionalTextOf(made, 'image')
  const hostKey = optionalTextOf(made, 'host-key')
  if (id === undefined || image === undefined || hostKey === undefined) return undefined
  if (isBridged(settings)) return { id, image, hostKey }
  if (made['ssh-port'] === undefined) return undefined
  return { id, image, hostKey, ports: { ssh: numberOf(made, 'ssh-port'), engine: numberOf(made, 'engine-port') } }
}

/** Throws NOT_MADE. */
export function needMade(machine: Machine): VmMade {
  const made = madeOf(machine)
  if (made !== undefined) return made
  throw notMade(machine.name)
}

export function notMade(name: string): Error {
  return conflict(
    'NOT_MADE',
    `Machine "${name}" was not made to its end: \`machine create\` goes on with it, \`machine rm\` removes it`,
  )
}

export function rememberedAs({ id, image, hostKey, ports }: VmMade): Settings {
  const shared = { id, image, 'host-key': hostKey }
  return ports === undefined ? shared : { ...shared, 'ssh-port': ports.ssh, 'engine-port': ports.engine }
}

/** A UUID (RFC 9562, version 4): QEMU wants one, and no other process's command line has it. */
export function newVmId(random: Random): string {
  const bytes = random.bytes(16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Its address of the link layer, below the prefix that is QEMU's. */
export function macOf(id: string): string {
  return `52:54:00:${id.slice(0, 2)}:${id.slice(2, 4)}:${id.slice(4, 6)}`
}

/** Its end of the cable on this host; names of interfaces have at most 15 signs. */
export function tapOf(id: string): string {
  return `vm-${id.slice(0, 8)}`
}

/** Its address on the bridge, without the size of the network. */
export function bridgeAddress(settings: Settings): string {
  return textOf(settings, 'qemu-address').split('/')[0] ?? ''
}
