import type { Transport } from '../ssh/transport.ts'
import { findPrivilege } from './privilege.ts'
import { RootShell } from './root-shell.ts'
import { END_HEARING, HEAR_DATAGRAMS, SEND_DATAGRAMS } from './scripts/probe-scripts.ts'

/** Those of overlay networks: what containers say, and whether hosts live. */
const PORTS = ['4789', '4788'] as const
/** Longer than the scripts take on a host that is very slow: they end by themselves. */
const PROBE_MS_MAX = 90_000
const READY = /^ready(?: (\d+))?$/

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

/** Ports on which one host listened, and heard nothing of what the other sent. None where either could not do its part. */
async function closedPorts({ from, to }: Way, signal: AbortSignal): Promise<readonly string[]> {
  const options = { timeoutMs: PROBE_MS_MAX, signal }
  const began = Promise.withResolvers<string | undefined>()
  const onLine = (line: string): void => {
    const ready = READY.exec(line.trim())
    if (ready !== null) began.resolve(ready[1])
  }
  let isHearing = true
  const hearing = to.shell.run(HEAR_DATAGRAMS, PORTS, { ...options, onLine }).finally(() => {
    isHearing = false
    began.resolve(undefined)
  })
  const sending = async (): Promise<boolean> => {
    const pid = await began.promise
    const { code } = await from.shell.run(SEND_DATAGRAMS, [to.address, ...PORTS], options)
    if (isHearing && pid !== undefined) await to.shell.run(END_HEARING, [pid], options)
    return code === 0
  }
  const [heard, isSent] = await Promise.all([hearing, sending()])
  const lines = heard.stdout.split('\n').map(line => line.trim())
  // What was not sent, and what did not even begin to listen, says nothing of the way there.
  if (!isSent || !lines.some(line => READY.test(line))) return []
  return PORTS.filter(port => !lines.includes(`heard ${port}`) && !lines.includes(`busy ${port}`))
}

function complain({ from, to }: Way, ports: readonly string[]): string[] {
  if (ports.length === 0) return []
  const closed = ports.map(port => `${port}/udp`).join(', ')
  return [
    `Nothing comes through from "${from.name}" to "${to.name}" on ${closed}, so that networks between containers on both would be silent: let it in from ${from.address} in the firewall of ${to.address} and on the way there`,
  ]
}
