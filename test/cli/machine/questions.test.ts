import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { answerTo } from '../../../src/cli/commands/machine/change/ask.ts'
import { askPassword } from '../../../src/cli/commands/machine/change/ask-password.ts'

const { signal } = new AbortController()

it('asks one question after another, so that each gets its own answer', async () => {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  const said: string[] = []
  stderr.on('data', chunk => said.push(String(chunk)))
  const [first, second] = ['w1', 'w2'].map(name => askPassword(`Password of ${name}: `, { stdin, stderr, signal }))
  stdin.write('one\n')
  await expect(first).resolves.toBe('one')
  stdin.write('two\n')
  await expect(second).resolves.toBe('two')
  expect(said.join('')).toBe('Password of w1: \nPassword of w2: \n')
})

it('gives each of several questions its line of what was piped in at once, and leaves the rest', async () => {
  const stdin = new PassThrough()
  stdin.end('one\r\ny\nn\n\nlast')
  const asked = { stdin, stdout: new PassThrough(), stderr: new PassThrough(), signal }
  await expect(askPassword('?', asked)).resolves.toBe('one')
  await expect(answerTo('?', asked)).resolves.toBe(true)
  await expect(answerTo('?', asked)).resolves.toBe(false)
  await expect(askPassword('?', asked)).resolves.toBe('')
  await expect(text(stdin)).resolves.toBe('last')
  await expect(answerTo('?', asked)).resolves.toBeUndefined()
  await expect(askPassword('?', asked)).rejects.toMatchObject({ code: 'NO_PASSWORD' })
})

it('takes a line that comes in pieces, and one without an end', async () => {
  const stdin = new PassThrough()
  const asked = { stdin, stderr: new PassThrough(), signal }
  const first = askPassword('?', asked)
  const euro = Buffer.from('€')
  for (const piece of ['pa', euro.subarray(0, 1), euro.subarray(1), 'ss\nsec']) stdin.write(piece)
  await expect(first).resolves.toBe('pa€ss')
  stdin.end('ond')
  await expect(askPassword('?', asked)).resolves.toBe('second')
})

it('waits no longer when the person wants to stop', async () => {
  const stop = new AbortController()
  const asking = answerTo('?', { stdin: new PassThrough(), stdout: new PassThrough(), signal: stop.signal })
  stop.abort(new Error('stopped'))
  await expect(asking).rejects.toThrow('stopped')
})
