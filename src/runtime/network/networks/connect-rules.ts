import { invalidInput, ShoalError } from '../../../core/errors.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import type { Joined } from '../../ports.ts'
import { checkEndpoint } from '../sandboxes/plan-sandbox.ts'
import { isJoinable, type LocalNetwork } from './local-network.ts'

const isShared = ({ networkMode }: Joined): boolean => networkMode === 'host' || networkMode.startsWith('container:')

/** Throws when a container may not join a network, in dockerd's words and with its status. */
export function checkConnect(container: Joined, network: LocalNetwork, config: EndpointConfig): void {
  if (isShared(container)) {
    throw invalidInput(
      'SHARED_NETWORK',
      'container sharing network namespace with another container or host cannot be connected to any other network',
    )
  }
  if (network.driver === 'host') throw hostNetwork()
  const others = container.networks.filter(name => name !== network.name)
  if (others.includes('none') || network.driver === 'null') {
    throw invalidInput(
      'PRIVATE_NETWORK',
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    )
  }
  if (isJoinable(network)) checkEndpoint(network, config)
}

/** Throws when a container may not leave a network, or is not on it. */
export function checkDisconnect(container: Joined, network: LocalNetwork): void {
  if (network.driver === 'host' && container.networkMode === 'host') throw hostNetwork()
  if (container.networks.includes(network.name)) return
  const where = container.running ? `network ${network.name}` : `the network ${network.name}`
  throw new ShoalError('NOT_CONNECTED', 500, `container ${container.id} is not connected to ${where}`)
}

function hostNetwork(): ShoalError {
  return invalidInput('HOST_NETWORK', 'container cannot be disconnected from host network or connected to host network')
}
