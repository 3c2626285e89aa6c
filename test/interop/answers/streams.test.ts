import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import { describe, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { IDLE } from '../support/idle.ts'
import type { Script } from '../support/script.ts'
import { twoEngines } from '../support/two-engines.ts'

const SILENT_MS_MAX = 20_000
const { agree } = twoEngines({ subnet: 230, images: [await busyboxArchive()] })

/** A port of this machine that leads to the engine's socket: browsers' WebSockets know no others. */
async function portOf(script: Script): Promise<number> {
  const server = createServer(client => {
    const engine = connect(script.engine.socket)
    pipeline(client, engine, () => {})
    pipeline(engine, client, () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  script.afterwards(async () => void server.close())
  return (server.address() as AddressInfo).port
}

/** Attaches by WebSocket, says things, each once it has heard what it waits for, and resolves with all it has heard. */
async function talk(
  script: Script,
  path: string,
  dialogue: readonly { readonly after: string; readonly say: string }[],
): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${await portOf(script)}/v1.41${path}`)
  socket.binaryType = 'arraybuffer'
  const waiting = [...dialogue]
  const { promise, resolve } = Promise.withResolvers<string>()
  let heard = ''
  const go = (): void => {
    const next = waiting[0]
    if (next === undefined || !heard.includes(next.after)) return
    waiting.shift()
    socket.send(next.say)
  }
  socket.addEventListener('open', go)
  socket.addEventListener('message', ({ data }) => {
    heard += typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString()
    go()
  })
  socket.addEventListener('close', () => resolve(heard))
  socket.addEventListener('error', () => resolve(`${heard}(failed)`))
  const deadline = systemClock.setTimer(SILENT_MS_MAX, () => {
    resolve(`${heard}(no more)`)
    socket.close()
  })
  try {
    return await promise
  } finally {
    deadline.cancel()
  }
}

describe('a WebSocket', () => {
  it.each([
    ['', false],
    ['terminal of a ', true],
  ])('attached to the %scontainer carries its input and output until it ends', (_what, Tty) =>
    agree(async script => {
      const Cmd = ['sh', '-c', 'while read line; do echo "heard $line"; test "$line" = bye && exit 3; done']
      await script.quietly('POST', '/containers/create?name=talker', { ...IDLE, Cmd, Tty, OpenStdin: true })
      await script.quietly('POST', '/containers/talker/start')
      const heard = await talk(script, '/containers/talker/attach/ws?stream=1&stdin=1&stdout=1&stderr=1', [
        { after: '', say: 'one\n' },
        { after: 'heard one', say: 'bye\n' },
      ])
      script.tell('heard', heard)
      script.tell('wait', await script.quietly('POST', '/containers/talker/wait?condition=not-running'))
    }),
  )

  it('gets what was said before, if it asks for that', () =>
    agree(async script => {
      const Cmd = ['sh', '-c', 'echo early; read line; echo late']
      await script.quietly('POST', '/containers/create?name=talker', { ...IDLE, Cmd, OpenStdin: true })
      await script.quietly('POST', '/containers/talker/start')
      const path = '/containers/talker/attach/ws?logs=1&stream=1&stdin=1&stdout=1'
      script.tell('heard', await talk(script, path, [{ after: 'early', say: 'x\n' }]))
    }))

  it('is refused the same without a container', () =>
    agree(async script => {
      script.tell('heard', await talk(script, '/containers/nosuch/attach/ws?stream=1', []))
      await script.ask('GET', '/containers/nosuch/attach/ws')
    }))
})
