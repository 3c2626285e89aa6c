import { join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import type { NetworkRecord } from '../../../src/core/model/node.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { clusterKeys, createEtcdStore } from '../../../src/discovery/index.ts'
import type { EndpointConfig, Engine, NetworkCreateRequest } from '../../../src/docker-api/index.ts'
import { type ClusterOverlay, createOverlay } from '../../../src/node-agent/overlay/index.ts'
import { createNetworkStack, destroyNetworkStack, type NetworkStack } from '../../../src/runtime/network/index.ts'
import type { Pulse, SandboxRequest } from '../../../src/runtime/ports.ts'
import { deathAtAwait } from '../../support/death-at-await.ts'

/** One host's network stack and overlay, called by the test through messages. */

const report = (fields: object, message: string): void =>
  void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`)
const log = { debug: () => {}, info: () => {}, warn: report, error: report }
const ports = { clock: systemClock, random: systemRandom, log }

let stack: NetworkStack
let overlay: ClusterOverlay
const named = Promise.withResolvers<void>()
const optionsOf = (folder: string) => ({
  engineName: 'lab',
  dataRoot: join(folder, 'data'),
  execRoot: join(folder, 'exec'),
  manageFirewall: true,
})

const methods: Record<string, (...args: never[]) => unknown> = {
  openStack: async (folder: string) => {
    stack = await createNetworkStack(optionsOf(folder), ports)
  },
  openStackWithoutRules: async (folder: string) => {
    stack = await createNetworkStack({ ...optionsOf(folder), manageFirewall: false }, ports)
  },
  openStackBeforeNames: async (folder: string) => {
    const names = { lookup: () => undefined, ready: named.promise }
    stack = await createNetworkStack(optionsOf(folder), { ...ports, names })
  },
  leaveNames: (names: Record<string, Record<string, string[]>>, pulse: Pulse) => {
    const all = (network: string) => new Map(Object.entries(names[network] ?? {}))
    const lookup = (network: string, name: string) => all(network).get(name)
    stack.setNameSource({ lookup, all, pulse, onChange: changed => changed() })
  },
  destroyStack: (folder: string) => destroyNetworkStack(optionsOf(folder), ports),
  closeStack: () => stack.close(),
  open: (request: SandboxRequest) => stack.sandboxes.open(request),
  check: (request: SandboxRequest) => stack.sandboxes.check(request),
  rename: (containerId: string, name: string) => stack.sandboxes.rename(containerId, name),
  prune: async () => (await stack.networks.prune({})).map(({ Name }) => Name),
  close: (containerId: string) => stack.sandboxes.close(containerId),
  get: (containerId: string) => stack.sandboxes.get(containerId),
  restore: (running: SandboxRequest[]) => stack.sandboxes.restore(running),
  createNetwork: (request: NetworkCreateRequest) => stack.networks.create(request),
  removeNetwork: (name: string) => stack.networks.remove(name),
  listNetworks: () => stack.networks.list({}),
  inspectNetwork: (name: string) => stack.networks.inspect(name),
  connect: (network: string, container: string, config: EndpointConfig = {}) =>
    stack.networks.connect(network, container, config),
  disconnect: (network: string, container: string) => stack.networks.disconnect(network, container, {}),
  openOverlay: async (node: string, hostAddress: string, endpoint: string) => {
    const store = createEtcdStore({ endpoints: [endpoint], clock: systemClock })
    const engine: Pick<Engine, 'networks'> = { networks: { ...stack.networks, prune: () => Promise.resolve([]) } }
    overlay = createOverlay({ node, hostAddress }, { ...ports, store, keys: clusterKeys('lab'), engine })
    stack.setNameSource({ ...overlay.names, ready: named.promise })
    await overlay.start()
    named.resolve()
  },
  joinTask: async (network: NetworkRecord, task: { taskId: string; serviceId: string; names: string[] }) => {
    await overlay.ensureNetwork(network)
    return overlay.claimAddress(network, task)
  },
  publishTask: (taskId: string, healthy: boolean) => overlay.publishTask(taskId, { healthy }),
  releaseTask: (taskId: string) => overlay.releaseTask(taskId),
  releaseAllBut: (taskIds: string[]) => overlay.releaseAllBut(new Set(taskIds)),
}

interface Call {
  readonly id: number
  readonly method: string
  readonly args: never[]
  /** Die by SIGKILL at the n-th time that anything asynchronous comes back. */
  readonly killAfter?: number
}

const death = deathAtAwait()

async function answer({ id, method, args, killAfter }: Call): Promise<void> {
  if (killAfter !== undefined) death.begin(killAfter)
  try {
    const value = await methods[method]?.(...args)
    process.send?.({ id, value, awaits: death.end() })
  } catch (error) {
    death.end()
    const { code = 'UNKNOWN', message = String(error) } = error as { code?: string; message?: string }
    process.send?.({ id, error: { code, message } })
  }
}

process.on('message', (call: Call) => void answer(call))
