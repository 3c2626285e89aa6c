import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { CollectedOutput } from '../../src/machine/ssh/collect-output.ts'

const MIB = 1 << 20

async function said(pieces: readonly string[]): Promise<{ readonly text: string; readonly lines: readonly string[] }> {
  const stream = new PassThrough()
  const lines: string[] = []
  const output = new CollectedOutput(stream, 'stderr', (line, from) => void lines.push(`${from}: ${line}`))
  const ended = new Promise(resolve => stream.once('end', resolve))
  for (const piece of pieces) stream.write(piece)
  stream.end()
  await ended
  return { text: output.finish(), lines }
}

it('keeps all that is said, and tells it line by line with the stream that said it', async () => {
  expect(await said(['a\r\nb', 'c\nlast'])).toEqual({
    text: 'a\r\nbc\nlast',
    lines: ['stderr: a', 'stderr: bc', 'stderr: last'],
  })
})

it('keeps the beginning and the end of too much, and says how much is left out', async () => {
  const { text } = await said(['begins\n', ...Array.from({ length: 9 }, () => 'x'.repeat(MIB)), 'cause\n'])
  expect(text.length).toBeLessThan(4 * MIB + 100)
  expect(text).toMatch(/^begins\nx+\n\[\d+ characters are left out\]\nx+cause\n$/)
  const [, dropped] = /\[(\d+) char/.exec(text) ?? []
  const mark = `\n[${dropped} characters are left out]\n`
  expect(text.length - mark.length + Number(dropped)).toBe(9 * MIB + 'begins\ncause\n'.length)
})
