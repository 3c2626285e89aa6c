import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { hashOf } from '../../src/core/digest.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { type Daemon, stopChild, untilServing } from './dockerd.ts'
import { sweepEngine } from './sweep-engine.ts'

export interface ShoalEngine extends Daemon {
  readonly directory: string
  readonly pid: () => number
  /** Ends the process, as a crash or as an administrator would, and starts another one on the same roots. */
  readonly restart: (signal: NodeJS.Signals) => Promise<void>
}

let count = 0

/** Starts the program `shoal engine` from its sources, on roots of its own; `stop` removes every trace of it and its containers. */
export async function startShoalEngine(flags: readonly string[] = []): Promise<ShoalEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-engine-'))
  const host = `unix://${join(directory, 'engine.sock')}`
  const bridge = `sh-${hashOf(directory).slice(0, 8)}`
  const cgroup = `/${bridge}`
  const dataRoot = join(directory, 'data')
  const subnet = 100 + ((process.pid + count++) % 100)
  const argv = ['engine', '-H', host, '--name', 'solo', '--bridge', bridge, '--bip', `10.${subnet}.7.1/24`]
  const roots = ['--data-root', dataRoot, '--exec-root', join(directory, 'exec')]
  const run = async () => {
    const log: Buffer[] = []
    const child = spawn(
      process.execPath,
      [resolve('src/main/cli.ts'), 'shoal', ...argv, ...roots, '--cgroup-parent', cgroup, ...flags],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    child.stderr.on('data', (data: Buffer) => log.push(data))
    try {
      await untilServing(host, child, log)
    } catch (error) {
      // One that never serves is told to nobody who could stop it.
      await stopChild(child)
      throw error
    }
    return child
  }
  const sweep = async (): Promise<void> => {
    await sweepEngine({ directory, bridge, table: `shoal-${hashOf(['solo', dataRoot]).slice(0, 5)}`, cgroup })
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  let child = await run().catch(async (error: unknown) => {
    await sweep()
    throw error
  })
  return {
    host,
    directory,
    pid: () => child.pid ?? 0,
    async restart(signal) {
      await stopChild(child, signal)
      child = await run()
    },
    async stop() {
      await removeContainers(host).catch(() => {})
      await stopChild(child)
      await sweep()
    },
  }
}

async function removeContainers(host: string): Promise<void> {
  const client = createDockerClient(host, { clock: systemClock })
  try {
    for (const { Id } of await client.containers.list({ all: true })) {
      await client.containers.remove(Id, { force: true, volumes: true })
    }
    for (const { Id, Name } of await client.networks.list({})) {
      if (!['bridge', 'host', 'none'].includes(Name)) await client.networks.remove(Id)
    }
  } finally {
    client.close()
  }
}
