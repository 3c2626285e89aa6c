import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { type CliResult, docker } from '../support/docker-cli.ts'
import { OpenStream } from '../support/open-stream.ts'
import {
  ADDRESSES,
  apart,
  asking,
  compose,
  composeFile,
  createThrough,
  directory,
  get,
  hosts,
  IMAGE,
  joinApart,
  leader,
  loadImage,
  managerOf,
  NAMES,
  rows,
  runContainer,
  running,
  settled,
  signal,
  startAgent,
  startEtcd,
  startManager,
  successor,
} from './three-hosts.ts'

/** Many ways to lose a leader, a host or the store. The order of the tests matters. */

describe('three managers on a store of three members', () => {
  beforeAll(async () => {
    writeFileSync(
      composeFile,
      `name: shop
services:
  web:
    image: ${IMAGE}
    command: [sleep, "3600"]
    stop_signal: SIGKILL
    deploy: { replicas: 3 }
`,
    )
    await hosts.open()
    for (const name of NAMES) await hosts.start(name, ADDRESSES[name] ?? '')
    for (const name of NAMES) startEtcd(name)
    for (const name of NAMES) startManager(name)
    for (const name of NAMES) startAgent(name)
    await Promise.all(NAMES.map(loadImage))
    await leader()
  })
  afterAll(async () => {
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  })

  it('takes work through any of them, streams that are hijacked too', async () => {
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    await compose(replica, 'up', '-d', '--wait')
    expect(new Set((await rows(replica)).map(row => row.Node))).toEqual(new Set(NAMES))
    await runContainer(replica, 'single', '-e', 'reschedule:on-node-failure')
    const { stdout } = await docker(managerOf(replica), ['exec', '-i', 'single', 'cat'], { input: 'there and back' })
    expect(stdout).toBe('there and back')
    await settled(4)
  })

  it('goes on when the leader is killed, and starts nothing twice', async () => {
    const before = await settled(4)
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    const statuses = await asking(replica, '/v1/projects/shop', async () => {
      signal(first, 'manage', 'SIGKILL')
      await successor(first)
    })
    expect([...statuses]).toEqual([200])
    await runContainer(replica, 'after-kill')
    expect(await settled(5)).toEqual(expect.arrayContaining(before))
    startManager(first)
    await leader()
  })

  it('ends the streams that the leader held when it is killed, and goes on with those of the others', async () => {
    const before = await settled(4, name => !name.includes('after-kill'))
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    const run = (name: string, ...argv: string[]): Promise<CliResult> =>
      docker(managerOf(replica), ['run', '-d', '-i', '--name', name, '--network', 'none', IMAGE, ...argv])
    expect(await run('echoing', 'cat')).toMatchObject({ code: 0 })
    expect(await run('ticking', 'sh', '-c', 'while sleep 0.2; do echo tick; done')).toMatchObject({ code: 0 })
    const open = (manager: string) => ({
      exec: new OpenStream(managerOf(manager), 'exec', '-i', 'echoing', 'cat'),
      attached: new OpenStream(managerOf(manager), 'attach', '--sig-proxy=false', 'echoing'),
      logs: new OpenStream(managerOf(manager), 'logs', '-f', 'ticking'),
    })
    const [through, held] = [open(replica), open(first)]
    const all = [through, held].flatMap(({ exec, attached, logs }) => [exec, attached, logs])
    try {
      for (const { exec, attached, logs } of [through, held]) {
        exec.write('one\n')
        await exec.says('one')
        attached.write('two\n')
        await attached.says('two')
        await logs.says('tick')
      }
      signal(first, 'manage', 'SIGKILL')
      await until('the streams of the dead leader to end', async () =>
        [held.exec, held.attached, held.logs].every(({ hasEnded }) => hasEnded) ? true : undefined,
      )
      await successor(first)
      through.exec.write('three\n')
      await through.exec.says('three')
      through.attached.write('four\n')
      await through.attached.says('four')
      await through.logs.saysMore()
      await through.exec.end()
    } finally {
      for (const stream of all) stream.kill()
    }
    startManager(first)
    await leader()
    await until('the containers to be removed', async () => {
      const { code } = await docker(managerOf(replica), ['rm', '-f', 'echoing', 'ticking'])
      return code === 0 ? true : undefined
    })
    expect(await settled(4, name => !name.includes('after-kill'))).toEqual(before)
  })

  it('lets a leader that was paused answer nothing as a leader', async () => {
    const before = await settled(5)
    const first = await leader()
    signal(first, 'manage', 'SIGSTOP')
    // Waits in the socket of the sleeping leader until it wakes.
    const late = createThrough(first, 'late')
    const next = await successor(first)
    await runContainer(next, 'while-paused')
    await sleep(systemClock, 30_000)
    signal(first, 'manage', 'SIGCONT')
    const { code } = await late
    await leader()
    const after = await settled(code === 0 ? 7 : 6)
    expect(after).toEqual(expect.arrayContaining(before))
    expect(after.filter(name => name.includes('late'))).toHaveLength(code === 0 ? 1 : 0)
    expect(new Set(after).size).toBe(after.length)
    await docker(managerOf(next), ['rm', '-f', 'late', 'while-paused', 'after-kill'])
    await settled(4)
  })

  it('takes the lead from one that is cut off, and moves what ran there', async () => {
    const first = await leader()
    const others = NAMES.filter(name => name !== first)
    const [replica = ''] = others
    const gone = (await rows(replica)).filter(row => row.Node === first)
    expect(gone).toHaveLength(1)
    await hosts.cutOff(first)
    await leader(others)
    await until('three replicas on the others', async () => {
      const left = (await rows(replica)).filter(row => row.State === 'running' && row.Node !== first)
      return left.length === 3 ? true : undefined
    })
    await hosts.reconnect(first)
    await leader()
    const found = await settled(3, name => name.includes('web'))
    expect(new Set(found).size).toBe(3)
    // What the cut-off host had of it, if it had it, is removed too.
    await settled(4)
  })

  it('makes a container anew that asks for it when its host fails, and removes what the host comes back with', async () => {
    const whereIs = async (asked: string): Promise<string> => {
      const { stdout } = await docker(managerOf(asked), ['ps', '--filter', 'name=single', '--format', '{{.Names}}'])
      return stdout.trim().split('/')[0] ?? ''
    }
    const lost = await until('all managers to say where it is', async () => {
      const places = new Set(await Promise.all(NAMES.map(whereIs)))
      return places.size === 1 && !places.has('') ? [...places][0] : undefined
    })
    const [other = ''] = NAMES.filter(name => name !== lost)
    await joinApart(other)
    await hosts.kill(lost)
    const taker = await until('it to run elsewhere', async () => {
      const node = await whereIs(other)
      return node !== '' && node !== lost ? node : undefined
    })
    await until('the other one to be on its network there', async () => {
      const [node, aliases] = await apart(other)
      return node !== lost && aliases.includes('db') ? true : undefined
    })
    await hosts.start(lost, ADDRESSES[lost] ?? '')
    startEtcd(lost)
    startManager(lost)
    startAgent(lost)
    await until('the other one to be removed', async () => {
      const { code } = await docker(managerOf(other), ['rm', '-f', 'joined'])
      return code === 0 ? true : undefined
    })
    // Neither they nor a replica too many are on the returned host.
    const names = await settled(4)
    expect(names.filter(name => name.includes('single'))).toHaveLength(1)
    // The manager there has only just begun to follow the nodes.
    await until('the returned manager to tell where it is', async () =>
      (await whereIs(lost)) === taker ? true : undefined,
    )
    await leader()
  })

  it('goes on when the member of etcd that leads is killed', async () => {
    const before = await settled(4)
    const first = await leader()
    for (const name of NAMES) {
      signal(name, 'etcd', 'SIGKILL')
      await until('the cluster to take writes', async () => {
        const { code } = await docker(managerOf(first), ['run', '--rm', '--network', 'none', IMAGE, 'true'])
        return code === 0 ? true : undefined
      })
      startEtcd(name)
      await until(`etcd on ${name}`, async () => {
        const response = await fetch(`http://${ADDRESSES[name]}:2379/health`)
        return ((await response.json()) as { health: string }).health === 'true' ? true : undefined
      })
    }
    await leader()
    expect(await settled(4)).toEqual(before)
  })

  it('keeps containers and answers reads while the whole store is away, and comes back by itself', async () => {
    const before = await settled(4)
    for (const name of NAMES) signal(name, 'etcd', 'SIGKILL')
    await until('writes to be refused', async () => {
      const { code, stderr } = await createThrough('h1', 'nobody-leads')
      return code !== 0 && /store|lead/i.test(stderr) ? true : undefined
    })
    // Longer than anything lives in the store without being renewed.
    await sleep(systemClock, 15_000)
    expect((await get('h2', '/v1/projects/shop')).status).toBe(200)
    expect(await running()).toEqual(expect.arrayContaining(before))
    for (const name of NAMES) startEtcd(name)
    await leader()
    await compose('h3', 'up', '-d', '--wait')
    await runContainer('h2', 'after-outage')
    const lasting = (name: string): boolean => !name.includes('nobody-leads') && !name.includes('after-outage')
    expect(await settled(4, lasting)).toEqual(before)
  })
})
