import { expect, it } from 'vitest'
import { PIECE_BYTES, Pieces } from '../../../src/runtime/images/tar/pieces.ts'
import { fc } from '../../support/property.ts'

it('passes on all bytes in the order in which they were taken, whatever does not fit', () => {
  const takes = fc.array(fc.nat({ max: PIECE_BYTES }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(takes, fc.boolean(), (sizes, flushes) => {
      // Each piece is done with when the next is asked for.
      const room = Buffer.alloc(PIECE_BYTES)
      const pieces = new Pieces(() => room)
      const passed: Buffer[] = []
      const flush = (): void => {
        for (const piece of pieces.flush()) passed.push(Buffer.from(piece))
      }
      sizes.forEach((size, index) => {
        if (flushes && pieces.free < size) flush()
        pieces.take(size).fill(index + 1)
      })
      flush()
      expect(pieces.free).toBe(PIECE_BYTES)
      const expected = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)))
      expect(Buffer.concat(passed).equals(expected)).toBe(true)
    }),
  )
})

it('lets a reader fill what is left of a piece, in steps', () => {
  const pieces = new Pieces()
  pieces.take(PIECE_BYTES - 10).fill(1)
  const rest = pieces.next(100)
  expect(rest).toHaveLength(10)
  rest.fill(2)
  pieces.advance(4)
  expect(pieces.free).toBe(6)
  expect(pieces.next(3)).toHaveLength(3)
  const [piece, ...more] = pieces.flush()
  expect(more).toEqual([])
  expect(piece).toHaveLength(PIECE_BYTES - 6)
  expect(piece?.subarray(-5)).toEqual(Buffer.from([1, 2, 2, 2, 2]))
  expect([...pieces.flush()]).toEqual([])
})
