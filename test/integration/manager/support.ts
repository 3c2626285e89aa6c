import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { sleep, systemClock } from '../../../src/core/clock.ts'

const node = process.execPath

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Asks until it is so; a deadline, not a measure. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, ms = 30_000): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + ms
  let last: unknown
  while (systemClock.monotonicMs() < deadlineMs) {
    try {
      const value = await ask()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      last = error
    }
    await sleep(systemClock, 50)
  }
  throw new Error(`Waited in vain for ${what}`, { cause: last })
}

export interface ManagerProcess {
  readonly url: string
  readonly address: string
  readonly child: ChildProcess
  readonly output: () => string
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
}

/** `swarm manage` as a process of its own, on a free port of loopback. */
export async function startManagerProcess(args: readonly string[], port?: number): Promise<ManagerProcess> {
  const address = `127.0.0.1:${port ?? (await freePort())}`
  const child = spawn(node, ['src/main/cli.ts', 'swarm', 'manage', '-H', `tcp://${address}`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  const exited = once(child, 'exit')
  return {
    url: `http://${address}`,
    address,
    child,
    output: () => output,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await exited
    },
  }
}

export interface Reply<T> {
  readonly status: number
  readonly body: T
  readonly headers: Headers
}

export async function call<T>(url: string, method = 'GET', body?: object): Promise<Reply<T>> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, body: (await response.json()) as T, headers: response.headers }
}
