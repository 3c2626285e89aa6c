import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import type { StreamTransport } from '../../../machine/index.ts'
import type { CommandContext, Environment } from '../../command.ts'
import { parseSshAddress, type SshAddress } from './ssh-address.ts'
import { Tunnel } from './tunnel.ts'
import type { Tunnels } from './tunnels-port.ts'

interface TunnelsPorts extends Pick<CommandContext, 'atExit'> {
  readonly clock: Clock
  readonly random: Random
  readonly env: Environment
  /** A configuration of ssh to read instead of the person's and this machine's. */
  readonly configFile?: string
}

export function createTunnels(ports: TunnelsPorts): Tunnels {
  const open = new Map<string, Tunnel>()
  return {
    dialTo(text, wanted) {
      const address = parseSshAddress(text)
      const key = `${wanted} ${text}`
      const tunnel =
        open.get(key) ??
        new Tunnel(address, wanted, { clock: ports.clock, connect: signal => connectTo(address, ports, signal) })
      open.set(key, tunnel)
      return signal => tunnel.dial(signal)
    },
    close: async () => void (await Promise.allSettled([...open.values()].map(tunnel => tunnel.close()))),
  }
}

/** Never asks anything: a host that is not known, or wants a password, is an error that says what to do. */
async function connectTo(address: SshAddress, ports: TunnelsPorts, signal: AbortSignal): Promise<StreamTransport> {
  // Only commands that go over SSH pay for loading it.
  const { connectHost } = await import('../../../machine/index.ts')
  const { host, user, port } = address
  return connectHost(
    {
      host,
      pinned: [],
      acceptNew: false,
      toTrust: `connect once by hand (${byHand(address)}) and say yes`,
      plainUser: true,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
    },
    ports,
    signal,
  )
}

function byHand({ host, user, port }: SshAddress): string {
  return `ssh ${port === undefined ? '' : `-p ${port} `}${user === undefined ? '' : `${user}@`}${host}`
}
