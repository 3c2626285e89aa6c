import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import { createDockerServer } from '../../../src/docker-api/server/index.ts'
import { Dock, eventually, isRoot } from '../containers/support.ts'

const SLEEPERS = 1_000
/** More than the engine keeps: who reads none of them must have lost some. */
const ROUNDS = 6_000

describe.skipIf(!isRoot)('followers of events', () => {
  let dock: Dock
  let path = ''
  let client: DockerClient
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    const engine = await dock.openEngine()
    const server = await createDockerServer({ engine, log: silentLog })
    path = join(dock.directory, 'engine.sock')
    await server.listen({ hosts: [`unix://${path}`] })
    dock.defer(() => server.close())
    client = createDockerClient(`unix://${path}`, { clock: systemClock })
    dock.defer(() => client.close())
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const listeners = async (): Promise<number> => (await client.info()).NEventsListener ?? -1

  it('that never read are let go, while one that reads hears everything', async () => {
    const sleepers: Socket[] = []
    for (let index = 0; index < SLEEPERS; index++) {
      const socket = connect(path)
      socket.on('error', () => {})
      socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
      sleepers.push(socket.pause())
      await once(socket, 'connect')
    }
    await eventually(listeners, count => count === SLEEPERS)
    const id = await dock.run('sleep 1000')
    const stop = new AbortController()
    const heard: string[] = []
    const listening = (async () => {
      for await (const { Action } of client.events({ filters: { event: ['exec_create'] } }, stop.signal))
        heard.push(Action)
    })().catch(() => {})
    await eventually(listeners, count => count === SLEEPERS + 1)
    const expected: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await dock.engine.exec.create(id, { Cmd: ['echo', String(round)] })
      expected.push(`exec_create: echo ${round}`)
      // Now and then others get a turn, as they do when events come from outside; whoever reads keeps up.
      if (round % 100 === 0)
        await eventually(
          () => heard.length,
          count => count === expected.length,
        )
    }
    await eventually(listeners, count => count === 1)
    await eventually(
      () => heard.length,
      count => count === expected.length,
    )
    expect(heard).toEqual(expected)
    expect((await client.version()).ApiVersion).toBe('1.47')
    stop.abort()
    await listening
    for (const socket of sleepers) socket.destroy()
    await eventually(listeners, count => count === 0)
  })
})
