import { PINNED_NAME } from '../ssh/client-config.ts'
import { type HostKey, readHostKey } from '../ssh/host-key.ts'

/** Host keys as lines of a known_hosts file that ssh itself can be given. */
export function formatPins(keys: readonly HostKey[]): string {
  return keys.map(({ type, bytes }) => `${PINNED_NAME} ${type} ${bytes.toString('base64')}\n`).join('')
}

/** Lines that are no such key are passed over, as ssh does. */
export function readPins(text: string): readonly HostKey[] {
  return text.split('\n').flatMap(line => {
    const [name, type, base64 = ''] = line.split(' ')
    const key = readHostKey(Buffer.from(base64, 'base64'))
    return name === PINNED_NAME && key !== undefined && key.type === type ? [key] : []
  })
}
