import { createServer } from 'node:net'
import { invariant } from '../../../core/invariant.ts'
import type { DriverPorts } from '../driver.ts'
import { runProgram } from '../run-program.ts'

const IP_MS_MAX = 10_000

type Ports = Pick<DriverPorts, 'clock' | 'env'>

/** A port of loopback that is free now: the one that is wanted if it is, else any; 0 is any. */
export async function freePort(wanted = 0): Promise<number> {
  const port = (await listenOnce(wanted)) ?? (await listenOnce(0))
  invariant(port !== undefined, 'a host has free ports')
  return port
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}

/** Plugs a machine into a bridge, anew if it was plugged in before. Throws what `ip` says: no such bridge, not allowed. */
export async function plugIn(tap: string, bridge: string, ports: Ports, signal: AbortSignal): Promise<void> {
  await unplug(tap, ports, signal)
  await ip(['tuntap', 'add', 'dev', tap, 'mode', 'tap'], ports, signal)
  await ip(['link', 'set', 'dev', tap, 'master', bridge, 'up'], ports, signal)
}

/** Removes a machine's end of the cable, if it is there. */
export async function unplug(tap: string, ports: Ports, signal: AbortSignal): Promise<void> {
  const links = await ip(['-o', 'link', 'show'], ports, signal)
  if (links.includes(` ${tap}:`)) await ip(['link', 'delete', 'dev', tap], ports, signal)
}

function ip(args: readonly string[], { clock, env }: Ports, signal: AbortSignal): Promise<string> {
  return runProgram(['ip', ...args], { clock, env, timeoutMs: IP_MS_MAX, signal })
}
