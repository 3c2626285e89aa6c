import type { Transport } from '../ssh/transport.ts'
import { findPrivilege } from './privilege.ts'
import { RootShell } from './root-shell.ts'
import { HEAR_DATAGRAMS, SEND_DATAGRAMS } from './scripts/probe-scripts.ts'

/** Those of overlay networks: what containers say, and whether hosts live. */
const PORTS = ['4789', '4788'] as const
const PROBE_MS_MAX = 20_000

/** A host as others reach it. */
export interface Peer {
  readonly name: string
  readonly address: string
}

/** A node that is there already, with what it takes to have it send and listen. */
export interface PeerAccess extends Peer {
  readonly user: string
  readonly connect: (signal: AbortSignal) => Promise<Transport>
  readonly sudoPassword?: () => Promise<string>
}

/** A host that can be told to send and listen. */
interface Side extends Peer {
  readonly shell: RootShell
}

/**
 * Whether datagrams of overlay networks come through between a host and one that is there already, both ways; what does not, a sentence
 * each with what to do. Without it such a network is made, and silent. Throws what connecting to the other throws.
 */
export async function probeOverlay(here: Side, peer: PeerAccess, signal: AbortSignal): Promise<string[]> {
  const transport = await peer.connect(signal)
  try {
    const privilege = await findPrivilege(transport, { user: peer.user, ask: peer.sudoPassword, signal })
    const there = { name: peer.name, address: peer.address, shell: new RootShell(transport, privilege) }
    const ways: readonly Way[] = [
      { from: there, to: here },
      { from: here, to: there },
    ]
    const closed = await Promise.all(ways.map(async way => complain(way, await closedPorts(way, signal))))
    return closed.flat()
  } finally {
    await transport.close()
  }
}

interface Way {
  readonly from: Side
  readonly to: Side
}

/** Ports on which one host listened, and heard nothing of what the other sent. */
async function closedPorts({ from, to }: Way, signal: AbortSignal): Promise<readonly string[]> {
  const options = { timeoutMs: PROBE_MS_MAX, signal }
  const ready = Promise.withResolvers<void>()
  const onLine = (line: string): void => {
    if (line.trim() === 'ready') ready.resolve()
  }
  const hearing = to.shell.run(HEAR_DATAGRAMS, PORTS, { ...options, onLine }).finally(ready.resolve)
  await ready.promise
  const [heard] = await Promise.all([hearing, from.shell.run(SEND_DATAGRAMS, [to.address, ...PORTS], options)])
  const lines = heard.stdout.split('\n')
  // What did not even begin to listen says nothing of the way there.
  if (!lines.includes('ready')) return []
  return PORTS.filter(port => !lines.includes(`heard ${port}`) && !lines.includes(`busy ${port}`))
}

function complain({ from, to }: Way, ports: readonly string[]): string[] {
  if (ports.length === 0) return []
  const closed = ports.map(port => `${port}/udp`).join(', ')
  return [
    `Nothing comes through from "${from.name}" to "${to.name}" on ${closed}, so that networks between containers on both would be silent: let it in from ${from.address} in the firewall of ${to.address} and on the way there`,
  ]
}
