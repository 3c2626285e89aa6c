import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import type { ApplyResult, NodeView, ProjectView } from '../../../src/core/model/control-api.ts'
import { createEtcdStore, type EtcdProcess, type Store, startEtcd } from '../../../src/discovery/index.ts'
import { FencedWriter } from '../../../src/manager/loop/writer.ts'
import { FakeAgent, keys, projectSpec, serviceSpec } from '../../manager/support.ts'
import { call, freePort, type ManagerProcess, startManagerProcess, until } from './support.ts'

let dataDir: string
let etcd: EtcdProcess
let clientPort: number
const stores: Store[] = []
const managers: ManagerProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'shoal-manager-'))
  clientPort = await freePort()
  etcd = await startEtcd({ dataDir, clock: systemClock, clientPort })
})

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.kill('SIGKILL')
  for (const store of stores.splice(0)) await store.close()
  await etcd.stop()
  await rm(dataDir, { recursive: true, force: true })
})

function openStore(): Store {
  const store = createEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock })
  stores.push(store)
  return store
}

async function addManager(): Promise<ManagerProcess> {
  const manager = await startManagerProcess([`etcd://${etcd.endpoint}/test`])
  managers.push(manager)
  await until('the manager to answer', async () => (await fetch(`${manager.url}/_ping`)).ok)
  return manager
}

async function addNode(name: string): Promise<FakeAgent> {
  const agent = new FakeAgent(systemClock, openStore(), name, () => ({ startMs: 10 }))
  await agent.join()
  return agent
}

const isLeader = async (manager: ManagerProcess): Promise<boolean> => {
  const { body } = await call<{ SystemStatus: [string, string][] }>(`${manager.url}/info`)
  return body.SystemStatus[0]?.[1] === 'primary'
}

const web = (replicas: number) => projectSpec('shop', [serviceSpec('web', { replicas })])

const converged = (manager: ManagerProcess, replicas: number) =>
  until(`${replicas} replicas`, async () => {
    const { body } = await call<ProjectView>(`${manager.url}/v1/projects/shop`)
    return body.services.every(service => service.converged && service.wanted === replicas) && body
  })

describe('two managers on one store', () => {
  it('hand requests on to the leader, and go on when it is killed', async () => {
    const first = await addManager()
    await until('the first to lead', () => isLeader(first))
    const second = await addManager()
    await Promise.all([addNode('n1'), addNode('n2')])
    await until('the nodes', async () => (await call<NodeView[]>(`${second.url}/v1/nodes`)).body.length === 2)
    expect(await isLeader(second)).toBe(false)

    const applied = await call<ApplyResult>(`${second.url}/v1/projects/shop`, 'PUT', web(2))
    expect(applied).toMatchObject({ status: 200, body: { changed: true } })
    const before = await converged(second, 2)
    const token = (await openStore().get(keys.election))?.createRevision ?? 0

    await first.kill('SIGKILL')
    await until('the second to lead', () => isLeader(second))
    expect((await call<ApplyResult>(`${second.url}/v1/projects/shop`, 'PUT', web(2))).body.changed).toBe(false)
    await call(`${second.url}/v1/projects/shop`, 'PUT', web(3))
    const after = await converged(second, 3)
    const ids = (view: ProjectView): string[] => view.tasks.map(task => task.id)
    expect(ids(after)).toEqual(expect.arrayContaining(ids(before)))

    // The deposed leader wakes up and writes with its old token.
    const deposed = new FencedWriter({ store: openStore(), keys, wrote: () => {} }, { token, renew: async () => token })
    const late = deposed.write({ compares: [], operations: [{ put: keys.project('late'), value: '{}' }] })
    await expect(late).rejects.toMatchObject({ code: 'NOT_LEADER' })
    expect(await openStore().get(keys.project('late'))).toBeUndefined()
  })
})

describe('an outage of the store', () => {
  it('leaves reads as they were, refuses writes in a sentence, and passes by itself', async () => {
    const manager = await addManager()
    await until('it to lead', () => isLeader(manager))
    await addNode('n1')
    await until('the node', async () => (await call<NodeView[]>(`${manager.url}/v1/nodes`)).body.length === 1)
    await call(`${manager.url}/v1/projects/shop`, 'PUT', web(1))
    await converged(manager, 1)
    await etcd.stop()
    const stale = await until('a stale answer', async () => {
      const reply = await call<ProjectView>(`${manager.url}/v1/projects/shop`)
      return reply.headers.has('x-shoal-stale-ms') && reply
    })
    expect(stale.body.services[0]).toMatchObject({ name: 'web', running: 1 })
    const refused = await call<{ message: string; code: string }>(`${manager.url}/v1/projects/shop`, 'PUT', web(2))
    expect(refused.status).toBe(503)
    expect(refused.body.message).toMatch(/^[A-Z][^\n]*$/)
    expect(refused.body.message).not.toMatch(/\bat .*:\d+:\d+/)

    etcd = await startEtcd({ dataDir, clock: systemClock, clientPort })
    const done = await until('writes to work again', async () => {
      const reply = await call<ApplyResult>(`${manager.url}/v1/projects/shop`, 'PUT', web(1))
      return reply.status === 200 && reply
    })
    expect(done.body.changed).toBe(false)
  })
})

describe('swarm manage', () => {
  it('ends with one clear line when the store is not there', async () => {
    await etcd.stop()
    const manager = await startManagerProcess([`etcd://127.0.0.1:${clientPort}/test`, '--log-level', 'error'])
    managers.push(manager)
    await until('it to end', async () => manager.child.exitCode !== null)
    expect(manager.child.exitCode).toBe(1)
    expect(manager.output().trim().split('\n')).toHaveLength(1)
    expect(manager.output()).toMatch(
      new RegExp(`The store at 127\\.0\\.0\\.1:${clientPort} does not answer.*gave up after 15 s`),
    )
    etcd = await startEtcd({ dataDir, clock: systemClock, clientPort })
  })

  it('says which address is taken, and harms nobody', async () => {
    const first = await addManager()
    await until('the first to lead', () => isLeader(first))
    const second = await startManagerProcess(
      [`etcd://${etcd.endpoint}/test`, '--log-level', 'error'],
      Number(first.address.split(':')[1]),
    )
    managers.push(second)
    await until('it to end', async () => second.child.exitCode !== null)
    expect(second.output()).toMatch(/Cannot listen on tcp:\/\/127\.0\.0\.1:\d+: another program does/)
    expect(await isLeader(first)).toBe(true)
  })

  it('takes over the store that a killed manager left behind', async () => {
    const root = join(dataDir, 'own')
    const listen = await freePort()
    const args = ['--data-root', root, '--etcd-listen', `127.0.0.1:${listen}`]
    const first = await startManagerProcess(args)
    managers.push(first)
    await until('it to lead', () => isLeader(first))
    await call(`${first.url}/v1/projects/shop`, 'PUT', web(2))
    await first.kill('SIGKILL')
    const second = await startManagerProcess(args)
    managers.push(second)
    await until('it to lead', () => isLeader(second))
    expect(second.output()).toMatch(/"adopted":true/)
    expect((await call<ProjectView>(`${second.url}/v1/projects/shop`)).body.spec.services).toHaveLength(1)
    await second.kill('SIGTERM')
    expect(second.child.exitCode, second.output()).toBe(0)
    // Its store went with it.
    await expect(fetch(`http://127.0.0.1:${listen}/health`)).rejects.toThrow()
  })
})
