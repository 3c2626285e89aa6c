import { afterEach, describe, expect, it } from 'vitest'
import { failed, unavailable } from '../../src/core/errors.ts'
import { metaCodec, type StoreLink } from '../../src/discovery/index.ts'
import { admit } from '../../src/node-agent/membership/admission.ts'
import { afterFailure } from '../../src/node-agent/tasks/task-runner.ts'
import { taskRecord } from '../support/tasks.ts'
import { AgentUnderTest, KEYS } from './agent-under-test.ts'

let node = new AgentUnderTest()
afterEach(async () => {
  await node.kill().catch(() => {})
  node = new AgentUnderTest()
})

/** A way to the store that can be cut. */
class Cable implements StoreLink {
  #up = true
  readonly #listeners = new Set<() => void>()
  readonly carry = async (): Promise<'through' | 'lost'> => (this.#up ? 'through' : 'lost')
  readonly isUp = (): boolean => this.#up
  readonly onRestored = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  cut(): void {
    this.#up = false
  }

  mend(): void {
    this.#up = true
    for (const listener of this.#listeners) listener()
  }
}

describe('without the store', () => {
  it('waits for it at the start', async () => {
    const cable = new Cable()
    cable.cut()
    await node.start(cable)
    await node.advance(30_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
    cable.mend()
    await node.advance(10_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
  })

  it('keeps everything running, and tells what happened when the store is back', async () => {
    const cable = new Cable()
    await node.start(cable)
    await node.assign(taskRecord(), taskRecord({ id: 't2', slot: 2 }))
    cable.cut()
    await node.advance(20_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
    expect(node.engine.summary).toEqual(['shop-web-1 running', 'shop-web-2 running'])
    node.engine.exit('shop-web-2', 1)
    await node.advance(1_000)
    expect(node.overlay.published.get('t2')).toBe(false)
    expect((await node.status('t2'))?.state).toBe('running')
    cable.mend()
    await node.advance(20_000)
    expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
    expect((await node.status('t1'))?.state).toBe('running')
    expect((await node.status('t2'))?.state).toBe('failed')
  })

  it('tells again what the store has lost', async () => {
    const cable = new Cable()
    await node.start(cable)
    await node.assign(taskRecord())
    cable.cut()
    await node.server.txn([], [{ delete: KEYS.statusOf('n1', 't1') }])
    await node.advance(20_000)
    cable.mend()
    await node.advance(20_000)
    expect((await node.status('t1'))?.state).toBe('running')
  })
})

it('waits for an engine that is away at the start', async () => {
  node.engine.fault = () => unavailable('ENGINE_UNAVAILABLE', 'Cannot connect')
  await node.start()
  await node.advance(30_000)
  expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
  node.engine.fault = () => undefined
  await node.advance(10_000)
  expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
})

describe('an old data directory', () => {
  it('keeps its containers when the store is empty', async () => {
    await node.start()
    await node.assign(taskRecord())
    await node.kill()
    await node.server.txn([], [{ delete: KEYS.meta }, { delete: KEYS.task('n1', 't1') }])
    await node.start()
    await expect(node.ended).rejects.toMatchObject({ code: 'CLUSTER_LOST' })
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
  })

  it('does not enter a store of a newer format', async () => {
    const meta = metaCodec.encode({ clusterId: 'a', formatVersion: 99, createdAtMs: 0 })
    await node.server.txn([], [{ put: KEYS.meta, value: meta }])
    await node.start()
    await expect(node.ended).rejects.toMatchObject({ code: 'CLUSTER_TOO_NEW' })
  })

  it('obeys the managers of a store that was restored from a backup', async () => {
    await node.start()
    await node.assign(taskRecord({ fencingToken: 9 }))
    await node.kill()
    node.memory = node.memory === undefined ? undefined : { ...node.memory, fencingToken: 900, revision: 1_000 }
    await node.assign(taskRecord({ id: 't2', slot: 2, fencingToken: 10 }))
    await node.start()
    expect((await node.status('t2'))?.state).toBe('running')
    expect(node.memory?.fencingToken).toBe(10)
  })
})

describe('admit', () => {
  it('refuses what is older than the newest order obeyed, unless it was taken on', () => {
    const tasks = [1, 5, 9].map(token => taskRecord({ id: `t${token}`, fencingToken: token }))
    expect(admit(tasks, { fencingToken: 5, isTakenOn: () => false })).toEqual({ stale: ['t1'], fencingToken: 9 })
    expect(admit(tasks, { fencingToken: 5, isTakenOn: id => id === 't1' })).toEqual({ stale: [], fencingToken: 9 })
    expect(admit([], { fencingToken: 5, isTakenOn: () => false })).toEqual({ stale: [], fencingToken: 5 })
  })
})

describe('afterFailure', () => {
  it.each([
    [failed('X', 'no'), 1, undefined],
    [unavailable('X', 'later'), 1, 1_000],
    [unavailable('X', 'later'), 3, 4_000],
    [unavailable('X', 'later'), 4, undefined],
    [unavailable('STORE_UNAVAILABLE', 'away'), 40, 15_000],
  ])('%s after %i tries is tried again after %s ms', (error, tries, waitMs) => {
    const { retryAtMs } = afterFailure(error, { tries, nowMs: 100 })
    expect(retryAtMs).toBe(waitMs === undefined ? undefined : 100 + waitMs)
  })
})
