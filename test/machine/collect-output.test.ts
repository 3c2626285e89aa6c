import { once } from 'node:events'
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

it('tells a line that is very long in parts, of which nothing is lost', async () => {
  const stream = new PassThrough()
  const told: { readonly text: string; readonly goesOn: boolean | undefined }[] = []
  const output = new CollectedOutput(stream, 'stdout', (text, _from, goesOn) => void told.push({ text, goesOn }))
  const long = Array.from({ length: 5 * 16 }, (_, at) => String.fromCharCode(97 + (at % 26)).repeat(MIB / 16)).join('')
  stream.write('short\n')
  for (let at = 0; at < long.length; at += MIB / 16) stream.write(long.slice(at, at + MIB / 16))
  stream.write('\r')
  stream.end('\nlast')
  await once(stream, 'end')
  output.finish()
  expect([told.at(0), told.at(-1)]).toEqual([
    { text: 'short', goesOn: false },
    { text: 'last', goesOn: false },
  ])
  const parts = told.slice(1, -1)
  expect(parts.map(({ goesOn }) => goesOn)).toEqual([true, true, false])
  // Compared as a truth: nobody wants to read five MiB of a difference.
  expect(parts.map(({ text }) => text).join('') === long).toBe(true)
})

it('ends a very long line that the command did not end', async () => {
  const { lines } = await said(['x'.repeat(2 * MIB)])
  expect(lines.map(line => line.length)).toEqual([2 * MIB + 'stderr: '.length, 'stderr: '.length])
})

it('keeps the beginning and the end of too much, and says how much is left out', async () => {
  const { text } = await said(['begins\n', ...Array.from({ length: 9 }, () => 'x'.repeat(MIB)), 'cause\n'])
  expect(text.length).toBeLessThan(4 * MIB + 100)
  expect(text).toMatch(/^begins\nx+\n\[\d+ characters are left out\]\nx+cause\n$/)
  const [, dropped] = /\[(\d+) char/.exec(text) ?? []
  const mark = `\n[${dropped} characters are left out]\n`
  expect(text.length - mark.length + Number(dropped)).toBe(9 * MIB + 'begins\ncause\n'.length)
})
