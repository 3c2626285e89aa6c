import { invalidInput } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import type { LanNetwork, LocalNetwork } from './local-network.ts'

/** Networks whose containers stand beside the host: macvlan and ipvlan. Names and meanings of options are docker's. */

const PARENT_OPTION = 'parent'
const DEVICE_NAME = /^[a-zA-Z0-9_.@:-]{1,15}$/

/** Modes, the default first. */
const MODES: Readonly<Record<LanNetwork['driver'], readonly string[]>> = {
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
}

/** Driver, parent and mode of a new network. Throws for what dockerd refuses, in its words. */
export function planLan(
  request: NetworkCreateRequest,
  existing: readonly LocalNetwork[],
): Pick<LanNetwork, 'driver' | 'parent' | 'mode'> {
  const driver = request.Driver === 'ipvlan' ? 'ipvlan' : 'macvlan'
  const options = request.Options ?? {}
  const [fallback = ''] = MODES[driver]
  const mode = options[`${driver}_mode`] || fallback
  if (!MODES[driver].includes(mode)) {
    throw invalidInput(
      'BAD_OPTION',
      `requested ${driver} mode '${mode}' is not valid, '${fallback}' mode is the ${driver} driver default`,
    )
  }
  const parent = options[PARENT_OPTION] ?? ''
  if (parent === '') {
    throw invalidInput('NO_PARENT', `A ${driver} network needs a device of the host: give the option parent`)
  }
  if (!DEVICE_NAME.test(parent)) throw invalidInput('BAD_DEVICE_NAME', `"${parent}" is no name of a device`)
  if (parent === 'lo') {
    throw invalidInput('BAD_PARENT', `loopback interface is not a valid ${driver} parent link`)
  }
  const rival = existing.find(other => 'parent' in other && other.parent === parent && other.driver !== driver)
  if (rival !== undefined) {
    throw invalidInput(
      'BAD_PARENT',
      `Device ${parent} carries ${rival.driver} network ${rival.name}: it takes one kind only`,
    )
  }
  return { driver, parent, mode }
}
