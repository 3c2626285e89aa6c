import { expect, it } from 'vitest'
import { Rooms } from '../../../src/runtime/images/tar/rooms.ts'

it('uses memory again that came back, whatever part of it did, and only once', () => {
  const rooms = new Rooms(64)
  const [one, other] = [rooms.take(), rooms.take()]
  expect(one.buffer).not.toBe(other.buffer)
  rooms.giveBack(one.subarray(0, 3))
  rooms.giveBack(one)
  const again = rooms.take()
  expect(again.buffer).toBe(one.buffer)
  expect(again).toHaveLength(64)
  expect(rooms.take().buffer).not.toBe(one.buffer)
})

it('passes over what is none of its own', () => {
  const rooms = new Rooms(64)
  const strange = Buffer.alloc(64)
  rooms.giveBack(strange)
  expect(rooms.take().buffer).not.toBe(strange.buffer)
})
