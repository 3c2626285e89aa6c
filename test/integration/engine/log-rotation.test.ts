import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import { readLogs, reopenLog, rotateLog } from '../../../src/runtime/containers/logs/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'

let engine: ShoalEngine
let client: DockerClient
beforeAll(async () => {
  engine = await startShoalEngine()
  client = createDockerClient(engine.host, { clock: systemClock })
  await client.images.load(Readable.from([await busyboxArchive()]), AbortSignal.timeout(30_000))
})
afterAll(async () => {
  client?.close()
  await engine?.stop()
})

const LINES = 150_000

it('loses and doubles no line of a busy container whose log is rotated under a follower', async () => {
  const fill = 'i=$((i+1)); echo "$i some text that fills the log"; [ $((i % 5000)) -gt 0 ] || sleep 0.1'
  const script = `i=0; while [ $i -lt ${LINES} ]; do ${fill}; done; sleep 1000`
  const request = { Image: 'busybox:test', Cmd: ['sh', '-c', script], HostConfig: { NetworkMode: 'none' } }
  const { Id } = await client.containers.create(request, {})
  await client.containers.start(Id)
  const { LogPath } = await client.containers.inspect(Id)
  const controlPath = join(engine.directory, 'exec/containers', Id, 'ctl')
  const stop = new AbortController()
  let rotations = 0
  const rotating = (async () => {
    while (!stop.signal.aborted) {
      const ports = { clock: systemClock, reopen: () => reopenLog(controlPath) }
      if (await rotateLog(LogPath, { bytesMax: 64 * 1024, filesMax: 500 }, ports)) rotations++
      await sleep(systemClock, 5)
    }
  })()
  const options = { stdout: true, stderr: true, follow: true }
  const ports = { clock: systemClock, signal: AbortSignal.timeout(60_000) }
  const numbers: number[] = []
  for await (const { data } of readLogs(LogPath, options, ports)) {
    numbers.push(Number.parseInt(data.toString(), 10))
    if (numbers.at(-1) === LINES) break
  }
  stop.abort()
  await rotating
  expect(numbers).toEqual(Array.from({ length: LINES }, (_, index) => index + 1))
  expect(rotations).toBeGreaterThan(0)
  const again: number[] = []
  for await (const { data } of readLogs(LogPath, { ...options, follow: false }, ports))
    again.push(Number.parseInt(data.toString(), 10))
  expect(again).toEqual(numbers)
  const files = (await readdir(dirname(LogPath))).filter(name => name.startsWith('container.log'))
  // The last rotation may have been asked for, and not done yet.
  expect([rotations + 1, rotations + 2]).toContain(files.length)
})
