import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'

export interface Daemon {
  /** `unix:///…`. */
  readonly host: string
  readonly stop: () => Promise<void>
}

const START_MS_MAX = 30_000

/** Starts the stock Docker Engine on roots of its own, without a bridge or packet filter rules. */
export async function startDockerd(): Promise<Daemon> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-dockerd-'))
  const host = `unix://${join(directory, 'docker.sock')}`
  const roots = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')]
  const pidFile = ['--pidfile', join(directory, 'pid')]
  const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false']
  const log: Buffer[] = []
  const child = spawn('dockerd', ['-H', host, ...roots, ...pidFile, ...network, '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.stderr.on('data', (data: Buffer) => log.push(data))
  const stop = async (): Promise<void> => {
    await stopChild(child)
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  try {
    await untilServing(host, child, log)
    return { host, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits until the engine behind `host` answers; fails at once if its process ends. */
export async function untilServing(host: string, child: ChildProcess, log: readonly Buffer[]): Promise<void> {
  const client = createDockerClient(host, { clock: systemClock })
  const deadlineMs = systemClock.monotonicMs() + START_MS_MAX
  try {
    for (;;) {
      const answer = await client.version().catch((error: unknown) => error)
      if (!(answer instanceof Error)) return
      const isOver = systemClock.monotonicMs() > deadlineMs
      if (child.exitCode !== null || isOver)
        throw new Error(`the engine does not serve: ${Buffer.concat(log).toString()}`)
      await sleep(systemClock, 50)
    }
  } finally {
    client.close()
  }
}

/** Asks a process to end, and makes it end after 15 s. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill(signal)
  const timer = systemClock.setTimer(15_000, () => child.kill('SIGKILL'))
  await gone
  timer.cancel()
}
