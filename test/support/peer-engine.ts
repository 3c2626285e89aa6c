import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { until } from '../../scripts/lib/command.ts'
import type { Hosts } from '../../scripts/lib/hosts.ts'
import { talkTo } from './engine-http.ts'

/** The two engines that are put side by side: ours, and the stock Docker Engine. */
export type PeerName = 'shoal' | 'docker'

export interface PeerEngine {
  readonly name: PeerName
  /** Path of the socket, reachable from this machine: hosts share its files. */
  readonly socket: string
  /** `unix:///…` of that socket. */
  readonly url: string
  /** Where published ports answer. */
  readonly address: string
  readonly dataRoot: string
}

export interface PeerOptions {
  readonly name: PeerName
  readonly address: string
  /** Flags that both programs know. */
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Our own program: the sources unless given. */
  readonly program?: readonly string[]
}

/** In memory, as by default; each host has a /run of its own. */
const EXEC_ROOT = '/run/engine'
const SOURCES = [process.execPath, '--disable-warning=ExperimentalWarning', resolve('src/main/cli.ts'), 'shoal']

/**
 * Starts an engine on a host of its own, so that both have the whole machine for themselves: default bridge, ports,
 * packet filter. It runs until the host is removed.
 */
export async function startPeerEngine(hosts: Hosts, options: PeerOptions): Promise<PeerEngine> {
  const { name, address } = options
  await hosts.start(name, address)
  await spawnPeerEngine(hosts, options)
  const data = hosts.dataDirectory(name)
  const socket = join(data, 'engine.sock')
  return { name, address, socket, url: `unix://${socket}`, dataRoot: join(data, 'lib') }
}

/** Starts the program of an engine on a host that runs, and waits until it serves. */
export async function spawnPeerEngine(hosts: Hosts, options: PeerOptions): Promise<void> {
  const { name, flags = [], program = SOURCES, env } = options
  const data = hosts.dataDirectory(name)
  const socket = join(data, 'engine.sock')
  const argv = name === 'shoal' ? [...program, 'engine'] : ['dockerd']
  const roots = ['--data-root', join(data, 'lib'), '--exec-root', EXEC_ROOT, '--pidfile', join(data, 'pid')]
  const cgroup = ['--cgroup-parent', hosts.cgroupParent(name)]
  hosts.spawn(name, 'engine', [...argv, '-H', `unix://${socket}`, ...roots, ...cgroup, ...flags], env)
  const engine = talkTo(socket)
  try {
    await until(
      `the engine at ${socket}`,
      async () => {
        if (!hosts.isSpawned(name, 'engine')) return new Error(lastWords(hosts.logFile(name, 'engine')))
        await engine.call('GET', '/_ping')
        return 'serves'
      },
      { everyMs: 20 },
    ).then(came => {
      if (came instanceof Error) throw came
    })
  } finally {
    engine.close()
  }
}

function lastWords(log: string): string {
  return `The engine ended: ${readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n')}`
}
