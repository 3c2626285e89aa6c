import { ManualClock } from '../../src/core/manual-clock.ts'
import { createMemoryStore } from '../../src/discovery/index.ts'
import { describeStore } from './store-contract.ts'

describeStore('memory', async () => {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  return {
    store,
    connect: async () => store.connect(),
    pass: ms => clock.advance(ms),
    compact: async revision => store.compact(revision),
    prefix: '/shoal/test/',
    dispose: () => store.close(),
  }
})
