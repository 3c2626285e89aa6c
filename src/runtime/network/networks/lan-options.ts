import { invalidInput } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import type { LanNetwork } from './local-network.ts'

/** Networks whose containers stand beside the host. Names and meanings of options are docker's. */

const PARENT_OPTION = 'parent'
const MODE_OPTION = 'macvlan_mode'
const DEVICE_NAME = /^[a-zA-Z0-9_.@:-]{1,15}$/
/** The default first. */
const MODES = ['bridge', 'private', 'vepa', 'passthru']

/** Driver, parent and mode of a new network. Throws for what dockerd refuses, in its words. */
export function planLan(request: NetworkCreateRequest): Pick<LanNetwork, 'driver' | 'parent' | 'mode'> {
  const options = request.Options ?? {}
  const mode = options[MODE_OPTION] || 'bridge'
  if (!MODES.includes(mode)) {
    throw invalidInput(
      'BAD_OPTION',
      `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`,
    )
  }
  const parent = options[PARENT_OPTION] ?? ''
  if (parent === '') {
    throw invalidInput('NO_PARENT', 'A macvlan network needs a device of the host: give the option parent')
  }
  if (!DEVICE_NAME.test(parent)) throw invalidInput('BAD_DEVICE_NAME', `"${parent}" is no name of a device`)
  if (parent === 'lo') throw invalidInput('BAD_PARENT', 'loopback interface is not a valid macvlan parent link')
  return { driver: 'macvlan', parent, mode }
}

const VLAN_MAX = 4094

/** The device and the VLAN that the name of a device says: `eth0.50`. Throws what dockerd says of another name. */
export function readVlanParent(parent: string): { readonly master: string; readonly vlan: number } {
  const refuse = (why: string): never => {
    throw invalidInput('NO_PARENT', why)
  }
  if (!parent.includes('.')) {
    return refuse(
      `invalid subinterface vlan name ${parent}, example formatting is eth0.10: there is no device ${parent}`,
    )
  }
  const [master = '', text = '', ...more] = parent.split('.')
  if (more.length > 0) {
    return refuse(
      `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${parent}`,
    )
  }
  if (!/^\d+$/.test(text)) return refuse(`unable to parse a valid vlan id from: ${parent} (ex. eth0.10 for vlan 10)`)
  const vlan = Number(text)
  if (vlan < 1 || vlan > VLAN_MAX) return refuse(`vlan id must be between 1-${VLAN_MAX}, received: ${vlan}`)
  return { master, vlan }
}
