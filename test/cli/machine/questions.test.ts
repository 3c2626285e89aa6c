import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askPassword } from '../../../src/cli/commands/machine/change/ask-password.ts'

it('asks one question after another, so that each gets its own answer', async () => {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  const said: string[] = []
  stderr.on('data', chunk => said.push(String(chunk)))
  const [first, second] = ['w1', 'w2'].map(name => askPassword(`Password of ${name}: `, { stdin, stderr }))
  stdin.write('one\n')
  await expect(first).resolves.toBe('one')
  stdin.write('two\n')
  await expect(second).resolves.toBe('two')
  expect(said.join('')).toBe('Password of w1: \nPassword of w2: \n')
})
