import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { readLine } from '../../../src/cli/terminal/read-line.ts'

it('reads one answer after the other, and what has no end', async () => {
  const input = new PassThrough()
  input.end('yes\r\nno\nlast')
  expect([await readLine(input), await readLine(input), await readLine(input)]).toEqual(['yes', 'no', 'last'])
})

it('has no answer when the input is closed while it waits for one', async () => {
  const input = new PassThrough()
  const answer = readLine(input)
  const closed = once(input, 'close').then(() => 'still waiting')
  input.destroy()
  expect(await Promise.race([answer, closed])).toBeUndefined()
  expect(input.listenerCount('data')).toBe(0)
})

it('refuses an answer without an end', async () => {
  const input = new PassThrough()
  const answer = readLine(input)
  input.write('x'.repeat(65_537))
  await expect(answer).rejects.toThrow('The answer has more than 65536 bytes: end it with a line feed')
})
