import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { endRemembered, startRemembered } from '../../scripts/lib/processes.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { NodeView } from '../../src/core/model/control-api.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type CliResult, docker } from '../support/docker-cli.ts'

/** A manager over two stock Docker Engines that know nothing of it, used with docker's own command line. */

const SUBNET = '10.219.0'
const MANAGER = `tcp://${SUBNET}.1:3375`
const ENGINES = { d1: `${SUBNET}.11`, d2: `${SUBNET}.12` }
const IMAGE = 'busybox:test'
const directory = mkdtempSync(join(tmpdir(), 'shoal-stock-'))
const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'sh-stock', gateway: `${SUBNET}.1` })
const managerPid = join(directory, 'manager.pid')

const cli = (...argv: string[]): Promise<CliResult> => docker(MANAGER, argv)

async function ok(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...argv)
  expect(`${code} ${stderr}`).toBe('0 ')
  return stdout.trim()
}

async function startEngine(name: string, address: string): Promise<void> {
  await hosts.start(name, address)
  const roots = ['--data-root', join(hosts.dataDirectory(name), 'docker'), '--exec-root', '/run/docker']
  const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false']
  const place = ['--cgroup-parent', hosts.cgroupParent(name), '--label', `rack=${name === 'd1' ? 'left' : 'right'}`]
  const listen = ['-H', `tcp://${address}:2375`, '--tls=false']
  hosts.spawn(name, 'dockerd', ['dockerd', ...listen, ...roots, ...network, ...place, '--log-level', 'error'])
  const client = createDockerClient(`tcp://${address}:2375`, { clock: systemClock })
  try {
    await until(`the Docker Engine on ${name}`, () => client.version())
    await client.images.load(Readable.from([await busyboxArchive({ name: IMAGE })]), AbortSignal.timeout(120_000))
  } finally {
    client.close()
  }
}

async function healthOf(node: string): Promise<string | undefined> {
  const client = createDockerClient(MANAGER, { clock: systemClock })
  try {
    const nodes = (await client.requestJson('GET', '/v1/nodes')) as readonly NodeView[]
    return nodes.find(({ name }) => name === node)?.health
  } finally {
    client.close()
  }
}

/** Names as `node/name`, with their nodes. */
async function nodesOf(...names: string[]): Promise<string[]> {
  const shown = (await ok('ps', '-a', '--format', '{{.Names}}')).split('\n')
  return names.map(name => shown.find(each => each.endsWith(`/${name}`))?.split('/')[0] ?? 'nowhere')
}

describe('a manager over stock Docker Engines', () => {
  beforeAll(async () => {
    await hosts.open()
    await Promise.all(Object.entries(ENGINES).map(([name, address]) => startEngine(name, address)))
    const nodes = `nodes://${Object.values(ENGINES)
      .map(address => `${address}:2375`)
      .join(',')}`
    startRemembered(managerPid, [resolve('bin/swarm'), 'manage', '-H', MANAGER, '--insecure', nodes], {
      log: join(directory, 'manager.log'),
    })
    await until('both engines to be nodes', async () =>
      (await cli('info')).stdout.match(/Status: Healthy/g)?.length === 2 ? true : undefined,
    )
  })
  afterAll(async () => {
    await endRemembered(managerPid)
    await hosts.removeAll()
    rmSync(directory, { recursive: true })
  })

  it('shows both engines with their labels', async () => {
    const info = await ok('info')
    expect(info).toMatch(/^ ?Role: primary$/m)
    expect(info).toMatch(/^ ?Filters: health, port, containerslots, dependency, affinity, constraint, whitelist$/m)
    expect(info).toMatch(/d1: 10\.219\.0\.11:2375$/m)
    expect(info).toMatch(/└ Labels: .*rack=right/)
  })

  it('spreads containers, and puts them where expressions say', async () => {
    await ok('run', '-d', '--name', 'one', IMAGE, 'sleep', '300')
    await ok('run', '-d', '--name', 'two', IMAGE, 'sleep', '300')
    expect((await nodesOf('one', 'two')).toSorted()).toEqual(['d1', 'd2'])
    await ok('run', '-d', '--name', 'right', '-e', 'constraint:rack==right', IMAGE, 'sleep', '300')
    await ok('run', '-d', '--name', 'beside', '-e', 'affinity:container==right', IMAGE, 'sleep', '300')
    await ok(
      'run',
      '-d',
      '--name',
      'apart',
      '--label',
      'com.docker.swarm.affinities=["container!=right"]',
      IMAGE,
      'sleep',
      '300',
    )
    expect(await nodesOf('right', 'beside', 'apart')).toEqual(['d2', 'd2', 'd1'])
    expect(await ok('inspect', '--format', '{{.Node.Name}} {{json .Config.Env}}', 'right')).not.toContain('constraint')
  })

  it('answers for every container with its own engine', async () => {
    expect(await ok('exec', 'right', 'hostname')).toMatch(/^[0-9a-f]{12}$/)
    const box = await cli('run', '--name', 'hello', '-e', 'constraint:node==d1', IMAGE, 'sh', '-c', 'echo hi; exit 3')
    expect([box.code, box.stdout]).toEqual([3, 'hi\n'])
    expect(await ok('logs', 'd1/hello')).toBe('hi')
    await ok('stop', '-t', '0', 'one')
    expect(await ok('inspect', '--format', '{{.State.Status}}', 'one')).toBe('exited')
  })

  it('says with classic Swarm what cannot be had', async () => {
    const nowhere = await cli('create', '-e', 'constraint:rack==middle', IMAGE)
    expect(nowhere.code).not.toBe(0)
    expect(nowhere.stderr).toContain('Unable to find a node that satisfies the following conditions')
    expect(nowhere.stderr).toContain('[rack==middle]')
    expect((await cli('create', '--name', 'right', IMAGE)).stderr).toContain('The name right is already assigned')
    expect((await cli('create', '-e', 'constraint:rack=left', IMAGE)).stderr).toContain(
      'One of operator ==, != is expected',
    )
  })

  it('brings a docker-compose project up on the node of its network, and refuses what no node can do', async () => {
    const overlay = await cli('network', 'create', '-d', 'overlay', 'wide')
    expect(overlay.stderr).toContain('Cannot create overlay network wide: the nodes are engines of others')
    const file = join(import.meta.dirname, 'projects/web/docker-compose.yml')
    const compose = (...argv: string[]): Promise<string> =>
      command(['docker-compose', '--no-ansi', '-p', 'shop', '-f', file, ...argv], {
        env: { ...process.env, DOCKER_HOST: MANAGER, COMPOSE_HTTP_TIMEOUT: '150' },
      })
    await compose('up', '-d', '--scale', 'web=2')
    const [, node] = /^(d\d)\/shop_default$/m.exec(await ok('network', 'ls', '--format', '{{.Name}}')) ?? []
    expect(new Set(await nodesOf('shop_web_1', 'shop_web_2', 'shop_store_1'))).toEqual(new Set([node]))
    expect(await compose('exec', '-T', 'store', 'wget', '-qO-', 'http://web/page')).toMatch(/^[0-9a-f]{12}\n$/)
    expect(await compose('logs', '--no-color', 'web')).toMatch(/web_2 .*ready/)
    await compose('down', '-v', '-t', '0')
    expect(await ok('ps', '-a', '--filter', 'name=shop', '-q')).toBe('')
    expect(await ok('volume', 'ls', '-q')).toBe('')
  })

  it('tells of what happens on either', async () => {
    const seconds = (): number => Math.floor(systemClock.nowMs() / 1_000)
    const since = String(seconds() - 1)
    await ok('rm', '-f', 'two', 'right', 'beside', 'apart')
    const period = ['--since', since, '--until', String(seconds() + 2)]
    const told = await ok('events', ...period, '--filter', 'event=destroy')
    expect(new Set([...told.matchAll(/node\.name=(d\d)/g)].map(([, node]) => node))).toEqual(new Set(['d1', 'd2']))
  })

  it('goes on without an engine that is lost, says so, and makes anew what asked for that', async () => {
    const asked = ['-e', 'reschedule:on-node-failure', '-e', 'constraint:node==~d2']
    await ok('run', '-d', '--name', 'moves', ...asked, IMAGE, 'sleep', '300')
    expect(await nodesOf('moves')).toEqual(['d2'])
    await hosts.kill('d2')
    // By polling, since nothing tells that a host is gone: several questions without an answer.
    await until('the manager to notice', async () => ((await healthOf('d2')) === 'unhealthy' ? true : undefined))
    expect((await cli('info')).stdout).toMatch(/d2: [^]*Status: Unhealthy/)
    await ok('run', '-d', '--name', 'after', IMAGE, 'sleep', '300')
    expect(await nodesOf('after')).toEqual(['d1'])
    await until('it to run on the other', async () =>
      (await ok('ps', '--format', '{{.Names}}')).includes('d1/moves') ? true : undefined,
    )
    expect(await ok('exec', 'moves', 'echo', 'here')).toBe('here')
  })
})
