import { unsupported } from '../../core/errors.ts'
import { createDockerClient, type DockerClient, type TransportPorts } from '../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../command.ts'
import { readClientTls } from './engine-address.ts'
import { isSshAddress } from './ssh/ssh-address.ts'
import type { Wanted } from './ssh/tunnels-port.ts'

interface Address {
  readonly address: string
  readonly wanted: Wanted
}

type Flags = Pick<Invocation, 'options' | 'globals'>

type World = Pick<CommandContext, 'env' | 'clock' | 'tunnels'>

/** A client of the engine or manager at an address, reached as the flags and the address say. Throws BAD_FLAG. */
export function openClient(at: Address, flags: Flags, context: World): DockerClient {
  return createDockerClient(at.address, portsFor(at, flags, context))
}

/** With certificates, or over SSH, which needs none. Throws BAD_FLAG. */
export function portsFor({ address, wanted }: Address, flags: Flags, { env, clock, tunnels }: World): TransportPorts {
  if (!isSshAddress(address)) return { clock, tls: readClientTls(flags, { env }) }
  if (tunnels === undefined) throw unsupported('NO_SSH', `Cannot connect to ${address}: there is no SSH here`)
  return { clock, dial: tunnels.dialTo(address, wanted) }
}
