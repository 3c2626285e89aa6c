import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { Questions } from '../../../src/cli/commands/machine/ask/questions.ts'

/** Somebody whose answers are written to `stdin`, and what is said to them on either stream. */
function person({ signal = new AbortController().signal } = {}) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const said: string[] = []
  for (const stream of [stdout, stderr]) stream.on('data', chunk => said.push(String(chunk)))
  return { stdin, said, questions: new Questions({ stdin, stdout, stderr, signal }) }
}

it('asks one question after another, so that each gets its own answer', async () => {
  const { stdin, said, questions } = person()
  const [first, second] = ['w1', 'w2'].map(name => questions.password(`Password of ${name}: `))
  stdin.write('one\n')
  await expect(first).resolves.toBe('one')
  stdin.write('two\n')
  await expect(second).resolves.toBe('two')
  expect(said.join('')).toBe('Password of w1: \nPassword of w2: \n')
})

it('gives each of several questions its line of what was piped in at once, and leaves the rest', async () => {
  const { stdin, questions } = person()
  stdin.end('one\r\ny\nn\n\nlast')
  await expect(questions.password('?')).resolves.toBe('one')
  await expect(questions.yesOrNo('?')).resolves.toBe(true)
  await expect(questions.yesOrNo('?')).resolves.toBe(false)
  await expect(questions.password('?')).resolves.toBe('')
  await expect(text(stdin)).resolves.toBe('last')
  await expect(questions.yesOrNo('?')).resolves.toBeUndefined()
  await expect(questions.password('?')).rejects.toMatchObject({ code: 'NO_PASSWORD' })
})

it('takes a line that comes in pieces, and one without an end', async () => {
  const { stdin, questions } = person()
  const first = questions.password('?')
  const euro = Buffer.from('€')
  for (const piece of ['pa', euro.subarray(0, 1), euro.subarray(1), 'ss\nsec']) stdin.write(piece)
  await expect(first).resolves.toBe('pa€ss')
  stdin.end('ond')
  await expect(questions.password('?')).resolves.toBe('second')
})

it('waits no longer when the person wants to stop', async () => {
  const stop = new AbortController()
  const asking = person({ signal: stop.signal }).questions.yesOrNo('?')
  stop.abort(new Error('stopped'))
  await expect(asking).rejects.toThrow('stopped')
})

it('asks once for a password that is needed several times, and goes on with other questions after one that failed', async () => {
  const { stdin, said, questions } = person()
  const ask = () => questions.passwordOf('w1', () => questions.password('Password of w1: '))
  stdin.write('one\n')
  await expect(Promise.all([ask(), ask()])).resolves.toEqual(['one', 'one'])
  expect(said.join('')).toBe('Password of w1: \n')
  stdin.end()
  await expect(questions.password('?')).rejects.toMatchObject({ code: 'NO_PASSWORD' })
  await expect(questions.yesOrNo('?')).resolves.toBeUndefined()
})
