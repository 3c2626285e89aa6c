import { expect, it } from 'vitest'
import type { TrustRecord } from '../../../src/core/model/trust.ts'
import { Places } from '../../../src/main/trust/places.ts'

const JOINED = { managers: ['10.0.0.1:3376'], storeEndpoints: ['10.0.0.1:2379'] }
const place = (host: number, store = true): TrustRecord => ({
  kind: 'manager',
  name: `m${host}`,
  address: `10.0.0.${host}:3376`,
  ...(store ? { store: `10.0.0.${host}:2379` } : {}),
})

it('knows all managers, and those of them whose store answers', () => {
  const places = new Places(JOINED)
  places.follow([place(2), place(1), place(3, false)])
  expect(places.managers).toEqual(['10.0.0.1:3376', '10.0.0.2:3376', '10.0.0.3:3376'])
  expect(places.storeEndpoints).toEqual(['10.0.0.1:2379', '10.0.0.2:2379'])
})

it('keeps to the store it knows where managers have none, and to all of it where they say nothing', () => {
  const places = new Places({ ...JOINED, storeEndpoints: ['10.0.0.9:2379'] })
  places.follow([])
  expect(places.managers).toEqual(JOINED.managers)
  places.follow([place(1, false), place(2, false)])
  expect(places.storeEndpoints).toEqual(['10.0.0.9:2379'])
})

it('takes what a manager answered, until all say it by themselves', () => {
  const places = new Places(JOINED)
  places.hear({ managers: ['10.0.0.2:3376'], storeEndpoints: ['10.0.0.2:2379'] })
  expect(places.storeEndpoints).toEqual(['10.0.0.2:2379'])
  places.follow([place(1), place(2)])
  places.hear(JOINED)
  expect(places.storeEndpoints).toHaveLength(2)
})
