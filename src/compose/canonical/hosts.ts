import { isIP } from 'node:net'
import { hostList } from '../merge/forms.ts'
import { asList, asText } from '../tree.ts'

/** `extra_hosts` in any form as sorted `host=address` lines. Throws RangeError for a line without an address. */
export function canonicalHosts(value: unknown): readonly string[] {
  const lines = asList(hostList(value))
    .map(asText)
    .filter(line => line !== '')
  return lines.flatMap(splitHost).sort()
}

function splitHost(line: string): string[] {
  const separator = line.includes('=') ? line.indexOf('=') : line.indexOf(':')
  const host = line.slice(0, separator)
  const addresses = line.slice(separator + 1)
  if (separator <= 0 || addresses === '') throw new RangeError(`invalid additional host, missing IP: ${line}`)
  return addresses.split(',').map(address => {
    const plain = /^\[(.*)\]$/.exec(address)?.[1] ?? address
    if (isIP(plain) === 0 && plain !== 'host-gateway')
      throw new RangeError(`invalid additional host, invalid IP: ${line}`)
    return `${host}=${plain}`
  })
}
