import { expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { clusterKeys, createMemoryStore, type Store } from '../../../src/discovery/index.ts'
import { createOverlay } from '../../../src/node-agent/overlay/overlay.ts'
import type { AgentPorts } from '../../../src/node-agent/ports.ts'

it('asks the store nothing more when it is closed before its start has ended', async () => {
  const clock = new ManualClock()
  let asked = 0
  const store: Store = {
    ...createMemoryStore({ clock }),
    list: () => {
      asked++
      return Promise.reject(new Error('away'))
    },
  }
  const transport = { open: async () => {}, follow: () => {}, send: () => {}, close: () => {} }
  const engine = {} as Pick<AgentPorts['engine'], 'networks'>
  const keys = clusterKeys('c')
  const ports = { store, keys, clock, random: seededRandom(1), log: silentLog, engine, transport }
  const overlay = createOverlay({ node: 'n1', hostAddress: '192.0.2.1' }, ports)
  const stop = new AbortController()
  const starting = overlay.start(stop.signal)
  await settle()
  expect(asked).toBe(4)
  stop.abort()
  await expect(starting).rejects.toThrow()
  await overlay.close()
  await clock.advance(60_000)
  expect(asked).toBe(4)
})
