import { badFlag } from '../../cli/index.ts'
import { parseHostPort } from '../../discovery/index.ts'

const FORM = '--advertise should be of the form ip:port or hostname:port'
const LOOPBACK = /^(127(\.\d+){3}|::1|localhost)$/
/** No address of a host: "any", multicast, reserved, broadcast. */
const UNROUTABLE = /^(0(\.\d+){3}|(22[4-9]|2[34]\d|25[0-5])(\.\d+){3}|::|ff[0-9a-f]{2}:.*)$/i

/**
 * Refuses an address that no other member could reach. Loopback is one, unless the store is there too: then all of the cluster is
 * on this host. `resolved` is the address that the advertised name stands for. Throws BAD_FLAG.
 */
export function checkAdvertised(
  { host, resolved }: { readonly host: string; readonly resolved: string },
  storeEndpoints: readonly string[],
): void {
  const shown = host === resolved ? host : `${host}, which is ${resolved} here,`
  if (UNROUTABLE.test(resolved) || UNROUTABLE.test(host)) {
    throw badFlag(`${FORM}: ${shown} is no address that a host can have`)
  }
  const isLocal = LOOPBACK.test(resolved) || LOOPBACK.test(host)
  if (!isLocal || storeEndpoints.every(endpoint => LOOPBACK.test(parseHostPort(endpoint)?.host ?? ''))) return
  throw badFlag(
    `${FORM} that the other members reach: ${shown} is this host alone, and the store at ${storeEndpoints.join(', ')} is elsewhere`,
  )
}
