import { Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { type Beside, talk } from '../../../src/cli/commands/container/run.ts'
import type { EngineCommand } from '../../../src/cli/engine/engine-api.ts'
import { quietContext } from '../support/context.ts'

/** A container that is silent until `lose` breaks the connection to it, and a terminal. */
function conversation() {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  const told: string[] = []
  const stderr = new Writable({ write: (chunk: Buffer, _encoding, done) => (told.push(chunk.toString()), done()) })
  const given = {
    command: 'shoal compose run',
    api: { upgrade: async () => stream, ask: async () => ({}), stream: async () => new Readable({ read() {} }) },
    options: { text: () => undefined, choice: () => undefined },
    context: quietContext({ stdin, stderr }),
  }
  return { command: given as unknown as EngineCommand, stdin, told, lose: () => stream.destroy(new Error('reset')) }
}

const REQUEST = { Tty: true, AttachStdin: true, AttachStdout: true, AttachStderr: true }

/** What goes on until it is given up, and what was said to it then. */
function endless(begun: () => void): { readonly beside: Beside; readonly givenUp: unknown[] } {
  const givenUp: unknown[] = []
  const beside: Beside = signal =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        givenUp.push(signal.reason)
        reject(signal.reason)
      })
      begun()
    })
  return { beside, givenUp }
}

it('who detaches does not wait for what is done beside, and is told so', async () => {
  const { command, stdin, told } = conversation()
  const { beside } = endless(() => stdin.write('\u0010\u0011'))
  expect(await talk(command, 'c1', REQUEST, beside)).toBe(0)
  expect(told.join('')).toMatch(/^Warning: .*after its start is not waited for.*no other is begun\n$/)
})

it('who detaches when it is done is told nothing, and of its failure', async () => {
  const { command, stdin, told } = conversation()
  stdin.write('\u0010\u0011')
  expect(await talk(command, 'c1', REQUEST)).toBe(0)
  expect(told).toEqual([])
  const other = conversation()
  other.stdin.write('\u0010\u0011')
  expect(await talk(other.command, 'c1', REQUEST, () => Promise.reject(new Error('no disk')))).toBe(0)
  expect(other.told).toEqual(['Warning: no disk\n'])
})

it('a lost connection gives up what is done beside', async () => {
  const { command, lose } = conversation()
  const { beside, givenUp } = endless(lose)
  await expect(talk(command, 'c1', REQUEST, beside)).rejects.toThrow('The connection to the container was lost')
  expect(givenUp).toHaveLength(1)
})
