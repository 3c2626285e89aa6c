import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import { createDockerServer } from '../../../src/docker-api/server/index.ts'
import { Dock, isRoot, soon } from '../containers/support.ts'

const LINES = 200_000

describe.skipIf(!isRoot)('a flood of log lines', () => {
  let dock: Dock
  let client: DockerClient
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    const engine = await dock.openEngine()
    const server = await createDockerServer({ engine, log: silentLog })
    const [host = ''] = await server.listen({ hosts: [`unix://${join(dock.directory, 'engine.sock')}`] })
    dock.defer(() => server.close())
    client = createDockerClient(host, { clock: systemClock })
    dock.defer(() => client.close())
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const printer = `busybox seq 1 ${LINES}; exit 3`
  const read = async (id: string, follow: boolean): Promise<string> => {
    const parts: Buffer[] = []
    for await (const { data } of client.containers.logs(id, { stdout: true, stderr: true, follow }, soon())) {
      parts.push(data)
    }
    return Buffer.concat(parts).toString()
  }
  const expected = Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join('')

  it('reaches every follower whole and in order, while the engine answers others', async () => {
    const id = await dock.create(printer)
    const over = new AbortController()
    let answers = 0
    await dock.engine.containers.start(id)
    const others = (async () => {
      while (!over.signal.aborted) {
        await client.version()
        answers++
      }
    })()
    const seen = await Promise.all([read(id, true), read(id, true)])
    over.abort()
    await others
    expect(seen.map(text => text === expected)).toEqual([true, true])
    expect(answers).toBeGreaterThan(10)
    expect((await dock.state(id)).ExitCode).toBe(3)
    expect((await read(id, false)) === expected).toBe(true)
  })

  it('is kept within its limits, the newest lines whole', async () => {
    const LogConfig = { Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } }
    const script = `i=0; while [ $i -lt 8 ]; do i=$((i+1)); busybox seq 1 ${LINES / 10}; sleep 1; done`
    const id = await dock.create(script, { host: { LogConfig } })
    await dock.engine.containers.start(id)
    await client.containers.wait(id, { condition: 'not-running' }, soon())
    const lines = (await read(id, false)).trim().split('\n').map(Number)
    expect(lines.at(-1)).toBe(LINES / 10)
    // Where the oldest file begins does not matter; from there on nothing is missing.
    for (const [index, line] of lines.entries()) {
      const before = lines[index - 1]
      if (before !== undefined && line !== before + 1) expect([before, line]).toEqual([LINES / 10, 1])
    }
    expect(lines.length).toBeLessThan((LINES / 10) * 8)
  })
})
