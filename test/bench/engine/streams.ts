import { buffer } from 'node:stream/consumers'
import { type BenchClient, createAndStart, IMAGE, milliseconds, times } from './client.ts'

const LINES = 300_000
const EXECS = 32

export interface Streams {
  /** Lines a second that a follower reads, from a container that writes as fast as it can. */
  readonly linesPerSecond: number
  /** Milliseconds from asking for an exec to its end: create, start attached, read to the end. */
  readonly execs: readonly number[]
}

export async function measureStreams(client: BenchClient): Promise<Streams> {
  return { linesPerSecond: await followLines(client), execs: await execTimes(client) }
}

async function followLines(client: BenchClient): Promise<number> {
  const request = { Image: IMAGE, Cmd: ['seq', '1', String(LINES)], Tty: true, HostConfig: { NetworkMode: 'none' } }
  const { Id } = (await client.call('POST', '/containers/create', request)) as { Id: string }
  let lines = 0
  const took = await milliseconds(async () => {
    await client.call('POST', `/containers/${Id}/start`)
    const logs = await client.http.open('GET', `/v1.41/containers/${Id}/logs?stdout=1&stderr=1&follow=1`)
    for await (const chunk of logs) for (const byte of chunk as Buffer) if (byte === 10) lines++
  })
  await client.call('DELETE', `/containers/${Id}?force=1`)
  if (lines !== LINES) throw new Error(`of ${LINES} lines, the follower saw ${lines}`)
  return (lines / took) * 1_000
}

async function execTimes(client: BenchClient): Promise<readonly number[]> {
  const id = await createAndStart(client, 'none', ['sleep', '1000'])
  const exec = (): Promise<number> =>
    milliseconds(async () => {
      const request = { Cmd: ['true'], AttachStdout: true, AttachStderr: true }
      const { Id } = (await client.call('POST', `/containers/${id}/exec`, request)) as { Id: string }
      await buffer(await client.http.open('POST', `/v1.41/exec/${Id}/start`, '{"Detach":false,"Tty":false}'))
    })
  await exec()
  const samples = await times(EXECS, 1, exec)
  await client.call('DELETE', `/containers/${id}?force=1`)
  return samples
}
