import { describe, expect, it, vi } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { undoWhenLate } from '../../../src/manager/docker/create/late-container.ts'
import type { InventoryChange } from '../../../src/manager/inventory/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'
import { memberRecord } from '../support.ts'
import { create, lab } from './create-lab.ts'

const taken = () => [...(lab.cluster?.state.standalone.reservations().values() ?? [])]

describe('a container that nobody wants any more', () => {
  const silent = unavailable('ENGINE_SILENT', 'It did not answer')

  /** The node has done it after all, and tells. */
  async function finishLate(): Promise<void> {
    lab.made.push({ node: 'n1', name: 'a', request: lab.lastAsked })
    await lab.cluster?.nodes.inventory.refresh('n1', 'n1-a')
    await settle()
  }

  it.each([
    ['soon', 0],
    ['when its room was given free already', 10 * 60_000],
  ])('is removed when its node made it after all, %s', async (_when, ms) => {
    lab.names = ['n1']
    lab.failures = { n1: silent }
    await expect(create('a')).rejects.toBe(silent)
    await lab.cluster?.clock.advance(ms)
    await finishLate()
    expect(lab.removed).toEqual(['n1-a'])
    await lab.cluster?.nodes.inventory.refresh('n1', 'n1-a')
    expect([...(lab.cluster?.state.standalone.reservations().keys() ?? [])]).toEqual([])
  })

  it('is not mistaken for one that somebody else made meanwhile', async () => {
    lab.names = ['n1']
    lab.failures = { n1: silent }
    await expect(create('a')).rejects.toBe(silent)
    lab.failures = {}
    await create('b')
    expect(lab.removed).toEqual([])
  })

  it('is removed when its client went away while it was made', async () => {
    const gate = Promise.withResolvers<void>()
    lab.hold = gate.promise
    const creating = create('a')
    await settle()
    lab.gone.abort(new Error('the client is gone'))
    gate.resolve()
    await expect(creating).rejects.toThrow('the client is gone')
    expect(lab.removed).toEqual(['n1-a'])
  })

  it('is not begun once its client is gone', async () => {
    lab.gone.abort(new Error('the client is gone'))
    await expect(create('a')).rejects.toThrow('the client is gone')
    expect(lab.asked).toEqual([])
  })

  it('has its room and its name while its node may still make it, and not for ever', async () => {
    lab.names = ['n1']
    lab.failures = { n1: unavailable('ENGINE_SILENT', 'It did not answer') }
    await expect(create('a', { HostConfig: { Memory: 2 ** 30 } })).rejects.toThrow('It did not answer')
    expect(taken()).toMatchObject([{ node: 'n1', memoryBytes: 2 ** 30 }])
    lab.failures = {}
    await expect(create('a')).rejects.toMatchObject({ code: 'NAME_TAKEN' })
    await lab.cluster?.clock.advance(2 * 60_000)
    expect(taken()).toEqual([])
    await create('a')
  })

  it('has neither any more once its node has left the cluster, and is removed all the same should it come', async () => {
    const listeners: ((change: InventoryChange) => void)[] = []
    const onChange = (listener: (change: InventoryChange) => void) => {
      listeners.push(listener)
      return () => {}
    }
    const [done, remove] = [vi.fn(), vi.fn(async () => {})]
    const node = { name: 'n1', member: memberRecord('n1'), engine: stubEngine({ containers: { remove } }) }
    const ports = { inventory: { ...EMPTY_INVENTORY, onChange }, clock: new ManualClock() }
    undoWhenLate({ node, swarmId: 's1', done }, ports)
    const tell = (change: InventoryChange): void => {
      for (const listener of listeners) listener(change)
    }
    tell({ kind: 'node', name: 'n2' })
    tell({ kind: 'node', name: 'n1', node: { condition: 'down' } as never })
    expect(done).not.toHaveBeenCalled()
    tell({ kind: 'node', name: 'n1' })
    expect(done).toHaveBeenCalled()
    expect(remove).not.toHaveBeenCalled()
    tell({ kind: 'container', node: 'n1', now: { id: 'c1', labels: { 'com.docker.swarm.id': 's1' } } as never })
    expect(remove).toHaveBeenCalledWith('c1', { force: true, volumes: true })
  })
})
