import { afterEach, describe, expect, it } from 'vitest'
import { failed, notFound, unavailable } from '../../src/core/errors.ts'
import { memberCodec, metaCodec } from '../../src/discovery/index.ts'
import { serviceSpec, taskRecord } from '../support/tasks.ts'
import { AgentUnderTest, KEYS } from './agent-under-test.ts'

const BUILT = `sha256:${'b'.repeat(64)}`

let node = new AgentUnderTest()
afterEach(async () => {
  await node.kill().catch(() => {})
  node = new AgentUnderTest()
})

describe('a task', () => {
  it('runs, serves and is reported', async () => {
    await node.start()
    await node.assign(taskRecord())
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    expect(await node.status('t1')).toMatchObject({
      taskId: 't1',
      node: 'n1',
      state: 'running',
      health: 'none',
      containerId: expect.any(String),
      addresses: { shop_default: '10.1.0.2' },
    })
    expect(node.overlay.published.get('t1')).toBe(true)
  })

  it("is not confused with a container of an image that was made of the task's own", async () => {
    await node.start()
    await node.assign(taskRecord())
    const Labels = { 'shoal.task.id': 't1', 'com.docker.swarm.id': 'one by one' }
    const { Id } = await node.engine.engine.containers.create({ Image: 'web:1', Labels }, { name: 'copy' })
    await node.engine.engine.containers.start(Id)
    await node.settle()
    expect(node.engine.summary).toEqual(['copy running', 'shop-web-1 running'])
  })

  it('serves only while it is healthy', async () => {
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ healthcheck: { test: ['CMD', 'true'] } }) }))
    expect(node.overlay.published.get('t1')).toBe(false)
    node.engine.health('shop-web-1', 'healthy')
    await node.settle()
    expect(node.overlay.published.get('t1')).toBe(true)
    expect((await node.status('t1'))?.health).toBe('healthy')
    node.engine.health('shop-web-1', 'unhealthy')
    await node.settle()
    expect(node.overlay.published.get('t1')).toBe(false)
  })

  it('is not taken for healthy between two runs', async () => {
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ healthcheck: { test: ['CMD', 'true'] } }) }))
    node.engine.health('shop-web-1', 'healthy')
    await node.settle()
    node.engine.restarting('shop-web-1')
    await node.settle()
    expect(await node.status('t1')).toMatchObject({ state: 'running', health: 'starting', exitCode: 0 })
    expect(node.overlay.published.get('t1')).toBe(false)
  })

  it.each([
    [0, 'complete', undefined],
    [3, 'failed', 'The container exited with code 3'],
  ])('that exits with %i is %s, and its names stop resolving', async (code, state, error) => {
    await node.start()
    await node.assign(taskRecord())
    node.engine.exit('shop-web-1', code)
    await node.settle()
    const status = await node.status('t1')
    expect(status).toMatchObject({ state, exitCode: code, finishedAtMs: expect.any(Number) })
    expect(status?.error).toBe(error)
    expect(node.overlay.published.get('t1')).toBe(false)
  })

  it('that the engine restarts stays running and counts', async () => {
    await node.start()
    await node.assign(taskRecord())
    node.engine.restarted('shop-web-1')
    await node.settle()
    expect(await node.status('t1')).toMatchObject({ state: 'running', restarts: 1 })
  })

  it('that is to stop is stopped, reported and removed, and its address given back', async () => {
    await node.start()
    await node.assign(taskRecord())
    await node.assign(taskRecord({ desired: 'stopped' }))
    expect(await node.status('t1')).toMatchObject({ state: 'stopped', exitCode: 143 })
    expect(node.engine.summary).toEqual([])
    expect(node.overlay.tasks).toEqual([])
  })

  it('that is gone leaves nothing behind', async () => {
    await node.start()
    await node.assign(taskRecord())
    await node.withdraw('t1')
    expect(node.engine.summary).toEqual([])
    expect(await node.status('t1')).toBeUndefined()
    expect(node.overlay.tasks).toEqual([])
  })

  it('whose container was removed by someone else failed, and is not run again', async () => {
    await node.start()
    await node.assign(taskRecord())
    node.engine.vanish('shop-web-1')
    await node.settle()
    expect(await node.status('t1')).toMatchObject({ state: 'failed' })
    expect(node.engine.summary).toEqual([])
  })

  it('starts when the one it replaces has stopped', async () => {
    await node.start()
    await node.assign(taskRecord())
    let release = (): void => {}
    node.engine.pause = call => (call === 'stop' ? new Promise(resolve => (release = resolve)) : Promise.resolve())
    await node.assign(taskRecord({ desired: 'stopped' }), taskRecord({ id: 't2' }))
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    release()
    await node.settle()
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    expect(await node.status('t1')).toMatchObject({ state: 'stopped' })
    expect(await node.status('t2')).toMatchObject({ state: 'running', command: 'serve' })
  })

  it('takes over the name of one that is to run beside it', async () => {
    await node.start()
    await node.assign(taskRecord())
    await node.assign(taskRecord({ id: 't2' }))
    expect(node.engine.summary).toEqual(['shop-web-1 running', 'shop-web-1-t1 running'])
  })
})

describe('failures', () => {
  it('that may pass are tried again, four times, with what went wrong in the status', async () => {
    await node.start()
    node.engine.fault = call => (call === 'create' ? unavailable('BUSY', 'The disk is busy') : undefined)
    await node.assign(taskRecord())
    expect(await node.status('t1')).toMatchObject({ state: 'preparing', error: 'The disk is busy' })
    await node.advance(60_000)
    expect(await node.status('t1')).toMatchObject({ state: 'failed', error: 'The disk is busy' })
    expect(node.engine.calls.filter(call => call.startsWith('create'))).toHaveLength(4)
  })

  it('that pass heal', async () => {
    await node.start()
    node.engine.fault = call => (call === 'create' ? unavailable('BUSY', 'The disk is busy') : undefined)
    await node.assign(taskRecord())
    node.engine.fault = () => undefined
    await node.advance(1_000)
    const status = await node.status('t1')
    expect(status).toMatchObject({ state: 'running' })
    expect(status?.error).toBeUndefined()
  })

  it('that do not pass fail the task at once', async () => {
    await node.start()
    node.engine.fault = call => (call === 'start' ? failed('NO_EXEC', 'exec: "nope": not found') : undefined)
    await node.assign(taskRecord())
    expect(await node.status('t1')).toMatchObject({ state: 'failed', error: 'exec: "nope": not found' })
    await node.advance(60_000)
    expect(node.engine.calls.filter(call => call.startsWith('start'))).toHaveLength(1)
  })

  it('of a pull are made good by a member that has the image', async () => {
    node.engine.fault = call => (call === 'pull' ? notFound('NO_IMAGE', 'No such image') : undefined)
    node.peers = {
      async fetch(reference) {
        node.engine.fault = () => undefined
        await node.engine.engine.images.pull(reference, {}, new AbortController().signal)
        return true
      },
    }
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'built:1' }) }))
    expect(await node.status('t1')).toMatchObject({ state: 'running' })
  })

  it('to hear from a registry do not keep a task waiting that a member could help', async () => {
    await node.start()
    node.engine.pause = call => (call === 'pull' ? new Promise(() => {}) : Promise.resolve())
    node.peers = {
      async fetch(reference) {
        node.engine.add(reference)
        return true
      },
    }
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'built:1' }) }))
    expect(await node.status('t1')).toMatchObject({ state: 'preparing' })
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({ state: 'running' })
  })

  it('to find an image as it was built are made good by a member, whatever the name means here', async () => {
    const asked: string[] = []
    node.engine.add('built:1')
    node.peers = {
      async fetch(reference) {
        asked.push(reference)
        node.engine.add(reference)
        return true
      },
    }
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'built:1', imageId: BUILT }) }))
    expect(await node.status('t1')).toMatchObject({ state: 'running' })
    expect(asked).toEqual([BUILT])
  })

  it('to find an image as it was built anywhere say so, and are tried again', async () => {
    node.engine.fault = call => (call === 'pull' ? notFound('NO_IMAGE', 'No such image: built:1') : undefined)
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'built:1', imageId: BUILT }) }))
    const error = expect.stringContaining('No node that is up has the image built:1 as it was built') as string
    expect(await node.status('t1')).toMatchObject({ state: 'preparing', error })
    node.engine.add(BUILT)
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({ state: 'running' })
  })

  it('of a pull of what nobody has fail the task', async () => {
    await node.start()
    node.engine.fault = call => (call === 'pull' ? notFound('NO_IMAGE', 'No such image: none:1') : undefined)
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'none:1' }) }))
    expect(await node.status('t1')).toMatchObject({ state: 'failed', error: 'No such image: none:1' })
  })
})

describe('a withdrawn task', () => {
  it('is not started when it was withdrawn while its image came', async () => {
    let release = (): void => {}
    node.engine.pause = call => (call === 'pull' ? new Promise(resolve => (release = resolve)) : Promise.resolve())
    await node.start()
    await node.assign(taskRecord({ spec: serviceSpec({ image: 'big:1' }) }))
    await node.withdraw('t1')
    release()
    await node.settle()
    expect(node.engine.calls).not.toContain('start shop-web-1')
    expect(node.engine.summary).toEqual([])
    expect(node.overlay.tasks).toEqual([])
  })
})

describe('a restarted agent', () => {
  it('adopts what runs without touching it', async () => {
    await node.start()
    await node.assign(taskRecord())
    await node.kill()
    const before = [...node.engine.calls]
    await node.start()
    expect(node.engine.calls).toEqual(before)
    expect(await node.status('t1')).toMatchObject({ state: 'running' })
    expect(node.overlay.published.get('t1')).toBe(true)
    expect(node.memory).toMatchObject({ epoch: 2, fencingToken: 1 })
  })

  it('starts a container that was made but not started', async () => {
    await node.start()
    node.engine.fault = call => (call === 'start' ? unavailable('KILLED', 'killed') : undefined)
    await node.assign(taskRecord())
    await node.kill()
    node.engine.fault = () => undefined
    await node.start()
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    expect(node.engine.calls.filter(call => call.startsWith('create'))).toHaveLength(1)
  })

  it('removes what was withdrawn while it was away', async () => {
    await node.start()
    await node.assign(taskRecord(), taskRecord({ id: 't2', slot: 2 }))
    await node.kill()
    await node.withdraw('t1')
    await node.start()
    expect(node.engine.summary).toEqual(['shop-web-2 running'])
    expect(node.overlay.tasks).toEqual(['t2'])
  })

  it('does not obey a manager that was replaced before', async () => {
    await node.start()
    await node.assign(taskRecord({ fencingToken: 9 }))
    await node.kill()
    await node.assign(taskRecord({ id: 't2', slot: 2, fencingToken: 5 }))
    await node.start()
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    expect(await node.status('t2')).toMatchObject({ state: 'failed' })
  })
})

describe('membership', () => {
  it('is a record under a lease that outlives a restart', async () => {
    await node.start()
    const member = await node.server.get(KEYS.member('n1'))
    expect(memberCodec.decode(member?.value ?? '')).toMatchObject({
      name: 'n1',
      nanoCpus: 2e9,
      labels: { disk: 'ssd' },
      epoch: 1,
    })
    await node.kill()
    expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
    await node.advance(6_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
  })

  it('is refused when another node keeps the name', async () => {
    const value = memberCodec.encode({ ...foreignMember, name: 'n1' })
    await node.server.txn([], [{ put: KEYS.member('n1'), value }])
    await node.start()
    await node.advance(15_000)
    await expect(node.ended).rejects.toMatchObject({ code: 'NODE_NAME_TAKEN' })
  })

  it.each([
    [
      'drives the same engine',
      { engineId: 'fake|fake' },
      'ID duplicated. fake|fake shared by this node 10.0.0.1:2375 and another node 10.0.0.9:2375: both',
    ],
    [
      'is a copy of it',
      { id: 'mine' },
      'ID duplicated. mine shared by this node 10.0.0.1:2375 and another node 10.0.0.9:2375: one was made',
    ],
  ])('is refused while another node %s', async (_what, more, message) => {
    node.memory = { id: 'mine', epoch: 1, fencingToken: 0, revision: 0 }
    const value = memberCodec.encode({ ...foreignMember, name: 'n9', ...more })
    await node.server.txn([], [{ put: KEYS.member('n9'), value }])
    await node.start()
    expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
    await node.advance(15_000)
    await expect(node.ended).rejects.toMatchObject({ code: 'ID_DUPLICATED', message: expect.stringContaining(message) })
  })

  it('waits for what it was under an earlier name, and minds no record that cannot be read', async () => {
    node.memory = { id: 'mine', epoch: 1, fencingToken: 0, revision: 0 }
    const value = memberCodec.encode({ ...foreignMember, name: 'n9', id: 'mine' })
    await node.server.txn(
      [],
      [
        { put: KEYS.member('n9'), value },
        { put: KEYS.member('n8'), value: 'garbage' },
      ],
    )
    await node.start()
    await node.server.txn([], [{ delete: KEYS.member('n9') }])
    await node.advance(1_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
  })

  it('is refused in a cluster that is not the data directory’s', async () => {
    const meta = (clusterId: string): string => metaCodec.encode({ clusterId, formatVersion: 1, createdAtMs: 0 })
    await node.server.txn([], [{ put: KEYS.meta, value: meta('a') }])
    await node.start()
    await node.kill()
    await node.server.txn([], [{ put: KEYS.meta, value: meta('b') }])
    await node.start()
    await expect(node.ended).rejects.toMatchObject({ code: 'FOREIGN_CLUSTER' })
  })
})

const foreignMember = {
  name: 'n1',
  id: 'other',
  apiAddress: '10.0.0.9:2375',
  address: '10.0.0.9',
  nanoCpus: 1e9,
  memoryBytes: 1,
  platform: { os: 'linux', arch: 'x', kernel: 'x', operatingSystem: 'x' },
  engineVersion: '1',
  storageDriver: 'x',
  labels: {},
  bootId: 'x',
  epoch: 1,
  startedAtMs: 0,
}
