import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { LocalCluster } from '../../scripts/lib/local-cluster.ts'

/** The main job, end to end: the example on three hosts, each of which can be lost. The order of the tests matters. */

interface Row {
  readonly Name: string
  readonly Service: string
  readonly Node: string
  readonly State: string
  readonly Health: string
  readonly ID: string
}

const FILE = resolve('examples/visits/compose.yaml')
const directory = mkdtempSync(join(tmpdir(), 'shoal-visits-'))
const cluster = new LocalCluster({
  directory,
  imagesDirectory: '/var/lib/shoal-demo-images',
  bridge: 'sh-visits',
  subnet: '10.217.0',
  nodes: { n1: { disk: 'ssd' }, n2: { disk: 'hdd' }, n3: { disk: 'hdd' } },
})

/** A service that takes all that a project may ship to the hosts. */
const SHIPPED = `
name: shipped
services:
  app:
    image: \${REGISTRY}/visits-app:1
    command: [python3, -c, "import time; time.sleep(9999)"]
    stop_signal: SIGKILL
    secrets: [{source: key, mode: 0400}]
    configs: [{source: motd, target: /etc/motd.own, uid: "7"}]
    volumes: ["./pages:/pages:ro"]
    deploy: {replicas: 2}
secrets: {key: {file: ./key}}
configs: {motd: {content: hello}}
`

const compose = (...args: string[]): Promise<string> => cluster.run('compose', ['-f', FILE, ...args])
const up = (env: NodeJS.ProcessEnv = {}): Promise<string> =>
  cluster.run('compose', ['-f', FILE, 'up', '-d', '--wait', '--wait-timeout', '120'], env)

const ps = (): Promise<Row[]> => rowsOf(compose)

async function rowsOf(project: typeof compose): Promise<Row[]> {
  const lines = (await project('ps', '--format', 'json')).trim().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Row)
}

async function visit(node: string): Promise<{ replica: string; node: string; visits: number }> {
  const response = await fetch(`http://${cluster.address(node)}:8080/`, {
    signal: AbortSignal.timeout(10_000),
    headers: { connection: 'close' },
  })
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`)
  const visits = Number(/<b>(\d+)<\/b>/.exec(await response.text())?.[1])
  return { replica: response.headers.get('x-replica') ?? '', node: response.headers.get('x-node') ?? '', visits }
}

/** Container ids by task name, of every running container of the project. */
async function containers(): Promise<Record<string, string>> {
  return Object.fromEntries((await ps()).map(row => [row.Name, row.ID]))
}

function pidsOfService(node: string, script: string): number[] {
  return cluster.hosts.pids(node, new RegExp(`^python3 /app/${script}`)).toSorted((a, b) => a - b)
}

describe('compose up on three hosts', () => {
  beforeAll(async () => {
    await cluster.start()
    await up()
  }, 300_000)
  afterAll(() => cluster.remove(), 120_000)

  it('runs every service, the web front on all three hosts', async () => {
    const rows = await ps()
    expect(rows.map(row => row.Service).sort()).toEqual(['api', 'redis', 'web', 'web', 'web', 'worker'])
    expect(new Set(rows.filter(row => row.Service === 'web').map(row => row.Node))).toEqual(new Set(['n1', 'n2', 'n3']))
    expect(rows.filter(row => row.Health !== '').every(row => row.Health === 'healthy')).toBe(true)
  })

  it.each(['n1', 'n2', 'n3'])('answers on %s through all replicas, which count in one redis', async node => {
    const seen = new Map<string, string>()
    let last = 0
    for (let tries = 0; tries < 60 && seen.size < 3; tries++) {
      const answer = await visit(node)
      expect(answer.visits).toBeGreaterThan(last)
      last = answer.visits
      seen.set(answer.replica, answer.node)
    }
    expect([...seen.keys()].sort()).toEqual(['1', '2', '3'])
    expect(new Set(seen.values())).toEqual(new Set(['n1', 'n2', 'n3']))
  })

  it('changes nothing when nothing changed', async () => {
    const before = await containers()
    await up()
    expect(await containers()).toEqual(before)
  })

  it('replaces only the service whose variable changed', async () => {
    const before = await containers()
    await up({ GREETING: 'Good evening' })
    const after = await containers()
    const changed = Object.keys(after).filter(name => after[name] !== before[name])
    expect(changed.sort()).toEqual(['visits-web-1', 'visits-web-2', 'visits-web-3'])
    const page = await (await fetch(`http://${cluster.address('n1')}:8080/`)).text()
    expect(page).toContain('Good evening')
  })

  it('keeps containers and their pids when an agent is killed and started again', async () => {
    const before = pidsOfService('n2', 'web.py')
    expect(before).toHaveLength(1)
    const ids = await containers()
    await cluster.killAgent('n2')
    expect(pidsOfService('n2', 'web.py')).toEqual(before)
    await cluster.startNode('n2')
    await until('the page on n2', () => visit('n2'))
    expect(pidsOfService('n2', 'web.py')).toEqual(before)
    expect(await containers()).toEqual(ids)
  })

  it('runs the new program after an update, and the containers of before', async () => {
    const ids = await containers()
    const agents = cluster.nodeNames.map(node => cluster.agentPid(node))
    await cluster.start()
    expect(cluster.nodeNames.map(node => cluster.agentPid(node))).toEqual(agents)
    writeFileSync(join(directory, 'run', 'build'), 'an earlier one')
    await cluster.start()
    for (const [index, node] of cluster.nodeNames.entries()) expect(cluster.agentPid(node)).not.toBe(agents[index])
    expect(await containers()).toEqual(ids)
    await up({ GREETING: 'Good evening' })
    expect(await containers()).toEqual(ids)
  })

  it('keeps the page working without a manager, and a new manager continues', async () => {
    const ids = await containers()
    await cluster.killManager()
    await visit('n3')
    await cluster.startManager()
    await cluster.nodesReady()
    expect(await containers()).toEqual(ids)
    await up({ GREETING: 'Good evening' })
    expect(await containers()).toEqual(ids)
  })

  it('survives etcd being away: the page works, and afterwards nothing was restarted', async () => {
    const ids = await containers()
    await cluster.stopEtcd()
    await visit('n1')
    await cluster.startEtcd()
    await cluster.nodesReady()
    expect(await containers()).toEqual(ids)
  })

  it('runs the API elsewhere after its host died, and the page works again', async () => {
    const lost = (await ps()).find(row => row.Service === 'api')?.Node ?? ''
    await cluster.hosts.kill(lost)
    const moved = await until('the API to run elsewhere', async () =>
      (await ps()).find(row => row.Service === 'api' && row.Node !== lost && row.Health === 'healthy'),
    )
    expect(moved.Node).not.toBe(lost)
    const survivors = cluster.nodeNames.filter(node => node !== lost)
    for (const node of survivors) await until(`the page on ${node}`, () => visit(node))
    await until('three web replicas on two hosts', async () =>
      (await ps()).filter(row => row.Service === 'web' && row.Health === 'healthy').length === 3 ? true : undefined,
    )
    await cluster.startNode(lost)
    await cluster.nodesReady()
    await until(`the page on ${lost}`, () => visit(lost))
    // What it still had is taken away once it is back.
    await until('each replica to run once', async () => {
      const names = (await ps()).map(row => row.Name)
      return names.length === 6 && new Set(names).size === 6 ? true : undefined
    })
  })

  it('leaves a host out whose processes were all killed, though its kernel answers', async () => {
    const lost = (await ps()).find(row => row.Service === 'api')?.Node ?? ''
    await cluster.hosts.killProcesses(lost)
    await until('the API to run elsewhere', async () =>
      (await ps()).find(row => row.Service === 'api' && row.Node !== lost && row.Health === 'healthy'),
    )
    const [survivor = ''] = cluster.nodeNames.filter(node => node !== lost)
    // So many in a row that none can have missed it by luck.
    await until('every visit to be answered by another host', async () => {
      for (let visits = 0; visits < 40; visits++) if ((await visit(survivor)).node === lost) return undefined
      return true
    })
    await cluster.startNode(lost)
    await cluster.nodesReady()
  })

  it('lets containers find each other while the agent of their host is dead', async () => {
    const node = (await ps()).find(row => row.Service === 'web')?.Node ?? ''
    await cluster.killAgent(node)
    // What leads to the replicas on this host stays as it was, so that its own replica is asked now and then.
    await until('its own replica to have found the API', async () =>
      (await visit(node)).node === node ? true : undefined,
    )
    await cluster.startNode(node)
    await cluster.nodesReady()
    // It may have been given up, and its replicas replaced.
    await until('all to be well', async () => {
      const rows = await ps()
      return rows.length === 6 && rows.every(row => row.Health === '' || row.Health === 'healthy') ? true : undefined
    })
  })

  it('rolls an image out that was built anew, and keeps it when the host that built it is lost', async () => {
    const files = mkdtempSync(join(tmpdir(), 'shoal-built-'))
    const built = (verb: string, ...args: string[]): Promise<string> =>
      cluster.run('compose', ['-f', join(files, 'compose.yaml'), verb, ...args])
    const start = (): Promise<string> => built('up', '-d', '--build', '--wait', '--wait-timeout', '120')
    const says = async (): Promise<string[]> => {
      const lines = (await built('logs', '--no-color', '--no-log-prefix')).trim().split('\n')
      return [...new Set(lines)]
    }
    const write = (version: string, replicas: number): void => {
      const script = "import os, time; print(os.environ['VERSION'], flush=True); time.sleep(3600)"
      const lines = [`FROM ${cluster.registry}/visits-app:1`, `ENV VERSION=${version}`]
      writeFileSync(join(files, 'Dockerfile'), `${lines.join('\n')}\nCMD ["python3", "-c", "${script}"]\n`)
      const page = `{build: ., stop_grace_period: 0s, deploy: {replicas: ${replicas}}}`
      writeFileSync(join(files, 'compose.yaml'), `name: built\nservices: {page: ${page}}\n`)
    }
    try {
      write('one', 3)
      await start()
      expect(await says()).toEqual(['one'])
      write('two', 3)
      await start()
      expect(await says()).toEqual(['two'])
      const rows = await rowsOf(built)
      expect(rows.map(row => row.Node).sort()).toEqual(['n1', 'n2', 'n3'])
      // Now on the node that runs it and the one that built it, or on one that is both and a second one.
      write('three', 1)
      await start()
      const [only] = await rowsOf(built)
      await cluster.hosts.kill(only?.Node ?? '')
      await until('the page elsewhere', async () =>
        (await rowsOf(built)).find(row => row.Node !== only?.Node && row.State === 'running'),
      )
      expect(await says()).toEqual(['three'])
      await cluster.startNode(only?.Node ?? '')
      await cluster.nodesReady()
    } finally {
      await built('down')
      rmSync(files, { recursive: true })
    }
  })

  it('gives every replica its secrets, configs and project files, and new ones once they change', async () => {
    const files = mkdtempSync(join(tmpdir(), 'shoal-shipped-'))
    const shipped = (...args: string[]): Promise<string> =>
      cluster.run('compose', ['-f', join(files, 'compose.yaml'), ...args])
    const write = (secret: string, page: string): void => {
      writeFileSync(join(files, 'key'), secret)
      mkdirSync(join(files, 'pages'), { recursive: true })
      writeFileSync(join(files, 'pages/index'), page)
    }
    const read = `
import os, stat
mounts = {line.split()[1]: line.split() for line in open('/proc/mounts')}
key = mounts['/run/secrets/key']
print(open('/run/secrets/key').read(), key[2], key[3].split(',')[0], oct(os.stat('/run/secrets/key').st_mode)[-3:])
print(open('/etc/motd.own').read(), os.stat('/etc/motd.own').st_uid, open('/pages/index').read(), mounts['/pages'][3].split(',')[0])`
    const says = async (index: number): Promise<string> =>
      (await shipped('exec', '-T', '--index', String(index), 'app', 'python3', '-c', read)).trim()
    writeFileSync(join(files, 'compose.yaml'), SHIPPED)
    try {
      write('hunter2', 'one')
      await shipped('up', '-d', '--wait')
      const rows = await rowsOf(shipped)
      expect(new Set(rows.map(row => row.Node)).size).toBe(2)
      for (const index of [1, 2]) expect(await says(index)).toBe('hunter2 tmpfs ro 400\nhello 7 one ro')
      expect(JSON.stringify(await cluster.call('GET', '/v1/projects/shipped'))).not.toMatch(/hunter2|contents/)
      await shipped('up', '-d', '--wait')
      expect((await rowsOf(shipped)).map(row => row.ID)).toEqual(rows.map(row => row.ID))
      write('secret3', 'two')
      await shipped('up', '-d', '--wait')
      for (const index of [1, 2]) expect(await says(index)).toBe('secret3 tmpfs ro 400\nhello 7 two ro')
    } finally {
      await shipped('down')
      rmSync(files, { recursive: true })
    }
  })

  it('removes the project, and its volume only when asked', async () => {
    await compose('down')
    expect(await ps()).toEqual([])
    await up()
    const kept = (await visit('n1')).visits
    expect(kept).toBeGreaterThan(1)
    await compose('down', '-v')
    await up()
    expect((await visit('n1')).visits).toBe(1)
    await compose('down', '-v')
  })
})
