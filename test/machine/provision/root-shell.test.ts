import { expect, it } from 'vitest'
import { RootShell } from '../../../src/machine/provision/root-shell.ts'
import type { Transport } from '../../../src/machine/ssh/transport.ts'

const ARCHIVE = Buffer.from('archive')

/** What a command gets to read, for whoever becomes root in that way. */
async function inputFor(privilege: ConstructorParameters<typeof RootShell>[1]): Promise<unknown> {
  const inputs: unknown[] = []
  const transport: Transport = {
    async run(_words, { stdin }) {
      inputs.push(stdin)
      return { code: 0, stdout: '', stderr: '' }
    },
    dialSocket: () => Promise.reject(new Error('no sockets here')),
    close: async () => {},
  }
  await new RootShell(transport, privilege).run('cat', [], { stdin: ARCHIVE, timeoutMs: 1_000 })
  return inputs[0]
}

it.each(['root', 'sudo'] as const)('gives what is to be read to %s without a copy', async by => {
  expect(await inputFor({ by })).toBe(ARCHIVE)
})

it('puts the password that sudo reads before it', async () => {
  expect(await inputFor({ by: 'sudo-password', password: 'secret' })).toEqual(Buffer.from('secret\narchive'))
})
