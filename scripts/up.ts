import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { command, until } from './lib/command.ts'
import {
  COMPOSE_FILE,
  ETCD_URL,
  GATEWAY,
  hosts,
  IMAGES,
  launcher,
  logFile,
  MANAGER,
  NODES,
  PAGE,
  pidFile,
  REGISTRY,
  STATE,
} from './lib/demo.ts'
import { prepareDemoImages } from './lib/demo-images.ts'
import { recall, startRemembered } from './lib/processes.ts'
import { startRegistry } from './lib/registry.ts'

/** Starts, or mends, a cluster of three hosts on this machine and runs the example on it. */
const say = (text: string): void => void process.stderr.write(`==> ${text}\n`)

async function main(): Promise<void> {
  await hosts.open()
  await startRegistry({
    address: REGISTRY,
    pidFile: pidFile('registry'),
    log: logFile('registry'),
    storage: join(IMAGES, 'registry'),
  })
  await prepareDemoImages(REGISTRY, say)
  await startEtcd()
  await startManager()
  for (const node of NODES) await startNode(node)
  await nodesReady()
  for (const { name, labels } of NODES) await manager('PUT', `/v1/nodes/${name}`, { labels })
  say('compose up')
  const compose = ['-H', MANAGER, '-f', COMPOSE_FILE]
  await command([launcher('compose'), ...compose, 'up', '-d', '--wait', '--wait-timeout', '120'], {
    timeoutMs: 180_000,
  })
  const page = await until('the page to answer', async () => {
    const response = await fetch(PAGE)
    return response.ok ? response.headers.get('x-node') : undefined
  })
  say(`The page answers (from ${page})`)
  process.stdout.write(await command([launcher('compose'), ...compose, 'ps']))
  process.stdout.write(`
open ${PAGE}
export DOCKER_HOST=${MANAGER}

Try next:
  curl -si ${PAGE} | grep -i '^x-'
  bin/compose -f examples/visits/compose.yaml logs -f web
  docker -H ${MANAGER} ps
`)
}

async function startEtcd(): Promise<void> {
  if (recall(pidFile('etcd')) === undefined) {
    say('Starting etcd')
    const client = `http://127.0.0.1:2379,http://${GATEWAY}:2379`
    const peer = 'http://127.0.0.1:2380'
    startRemembered(
      pidFile('etcd'),
      [
        'etcd',
        '--name',
        'demo',
        '--data-dir',
        join(STATE, 'etcd'),
        '--listen-client-urls',
        client,
        '--advertise-client-urls',
        client,
        '--listen-peer-urls',
        peer,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        `demo=${peer}`,
        '--log-level',
        'warn',
      ],
      { log: logFile('etcd') },
    )
  }
  await until('etcd to answer', async () => ((await fetch(`http://${GATEWAY}:2379/health`)).ok ? true : undefined))
}

async function startManager(): Promise<void> {
  if (recall(pidFile('manager')) === undefined) {
    say('Starting the manager')
    startRemembered(pidFile('manager'), [launcher('swarm'), 'manage', '-H', MANAGER, ETCD_URL], {
      log: logFile('manager'),
    })
  }
  await until(`the manager to answer (its log: ${logFile('manager')})`, async () =>
    (await fetch(`${MANAGER.replace('tcp', 'http')}/_ping`)).ok ? true : undefined,
  )
}

async function startNode({ name, address }: (typeof NODES)[number]): Promise<void> {
  if (!hosts.isRunning(name)) {
    say(`Booting host ${name} (${address})`)
    await hosts.start(name, address)
  }
  if (hosts.isSpawned(name, 'agent')) return
  say(`Starting the agent on ${name}`)
  hosts.spawn(name, 'agent', [
    launcher('swarm'),
    'join',
    '--advertise',
    `${address}:2375`,
    '--name',
    name,
    '--data-root',
    hosts.dataDirectory(name),
    '--cgroup-parent',
    hosts.cgroupParent(name),
    '--insecure-registry',
    REGISTRY,
    '--insecure',
    ETCD_URL,
  ])
}

async function nodesReady(): Promise<void> {
  say('Waiting for the nodes')
  await until(`all nodes to be ready (logs: ${join(STATE, 'hosts')}/*/agent.log)`, async () => {
    const nodes = (await manager('GET', '/v1/nodes')) as { name: string; status: string }[]
    return NODES.every(wanted => nodes.some(node => node.name === wanted.name && node.status === 'ready'))
      ? true
      : undefined
  })
}

async function manager(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${MANAGER.replace('tcp', 'http')}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
  return response.json()
}

try {
  if (!existsSync('/proc/self/ns/pid')) throw new Error('this kernel has no pid namespaces')
  await main()
} catch (error) {
  process.stderr.write(`shoal: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
