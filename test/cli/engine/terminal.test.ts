import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { expect, it } from 'vitest'
import type { CommandContext } from '../../../src/cli/index.ts'
import { type Conversation, converse } from '../../../src/cli/terminal/converse.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { parseDetachKeys } from '../../../src/core/detach-keys.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { encodeFrame } from '../../../src/docker-api/index.ts'

/** A process behind a socket, and a terminal in front. */
async function talk(conversation: Partial<Conversation>, play: (process: Socket, input: PassThrough) => void) {
  const raw: boolean[] = []
  const sizes: object[] = []
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) })
  const sink = () => {
    const chunks: Buffer[] = []
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => (chunks.push(Buffer.from(chunk)), done()),
    })
    return { stream, text: () => Buffer.concat(chunks).toString() }
  }
  const [out, err] = [sink(), sink()]
  const server = createServer({ allowHalfOpen: true }, socket => play(socket, stdin))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stream = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const context: CommandContext = {
    stdin,
    stdout: Object.assign(out.stream, { isTTY: true, columns: 90, rows: 30 }),
    stderr: err.stream,
    env: {},
    cwd: '/',
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
  }
  const given: Conversation = {
    stream,
    tty: true,
    stdin: true,
    detachKeys: parseDetachKeys('ctrl-p,ctrl-q'),
    resize: size => Promise.resolve(void sizes.push(size)),
    ...conversation,
  }
  try {
    return { how: await converse(given, context), raw, sizes, stdout: out.text(), stderr: err.text() }
  } finally {
    server.close()
  }
}

it('passes keys as they are to a terminal, tells its size, and gives the terminal back', async () => {
  const talked = await talk({}, (process, input) => {
    process.on('data', (data: Buffer) => process.end(`got ${data.toString()}`))
    input.write('\u0003')
  })
  expect(talked).toEqual({
    how: 'ended',
    raw: [true, false],
    sizes: [{ height: 30, width: 90 }],
    stdout: 'got \u0003',
    stderr: '',
  })
})

it('leaves the process alone at the detach keys', async () => {
  const talked = await talk({}, (_process, input) => input.write('x\u0010\u0011'))
  expect(talked).toMatchObject({ how: 'detached', raw: [true, false] })
})

it('parts output and errors of a process without a terminal, and ends its input with ours', async () => {
  const talked = await talk({ tty: false }, (process, input) => {
    const got: Buffer[] = []
    process.on('data', (data: Buffer) => got.push(data))
    process.on('end', () => {
      process.write(encodeFrame('stdout', Buffer.concat(got)))
      process.end(encodeFrame('stderr', Buffer.from('bye')))
    })
    input.end('in \u0010\u0011')
  })
  expect(talked).toEqual({ how: 'ended', raw: [], sizes: [], stdout: 'in \u0010\u0011', stderr: 'bye' })
})
