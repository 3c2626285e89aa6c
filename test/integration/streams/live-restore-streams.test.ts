import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { type ContainerCreateRequest, createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { hear } from '../../support/hear.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { eventually, isRoot, soon } from '../containers/support.ts'

const IMAGE = 'busybox:test'
const ALL = { stdin: true, stdout: true, stderr: true, logs: false, stream: true }

describe.skipIf(!isRoot).each(['SIGKILL', 'SIGTERM'] as const)('streams, over an engine ended by %s', signal => {
  let engine: ShoalEngine
  let client: DockerClient
  beforeAll(async () => {
    engine = await startShoalEngine(['--iptables=false'])
    client = createDockerClient(engine.host, { clock: systemClock })
    await client.images.load(Readable.from([await busyboxArchive()]), soon())
  })
  afterAll(async () => {
    client?.close()
    await engine?.stop()
  })

  const run = async (script: string, request: ContainerCreateRequest = {}): Promise<string> => {
    const Cmd = ['sh', '-c', script]
    const { Id } = await client.containers.create(
      { Image: IMAGE, Cmd, ...request, HostConfig: { NetworkMode: 'none' } },
      {},
    )
    await client.containers.start(Id)
    return Id
  }
  const logs = async (id: string, options = {}): Promise<string> => {
    const wanted = { stdout: true, stderr: true, follow: false, ...options }
    const chunks = await Array.fromAsync(client.containers.logs(id, wanted, soon()))
    return chunks.map(({ data }) => data.toString()).join('')
  }

  it('a terminal is there again, with its process', async () => {
    const id = await run('n=0; while read line; do n=$((n+1)); echo "$n $line"; done', {
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
    })
    const before = await client.containers.attach(id, ALL)
    const first = hear(before)
    before.stream.write('before\n')
    await eventually(first.text, text => text.includes('1 before'))
    const { Pid } = (await client.containers.inspect(id)).State
    await engine.restart(signal)
    await first.over
    expect((await client.containers.inspect(id)).State).toMatchObject({ Pid, Running: true })
    const after = await client.containers.attach(id, { ...ALL, logs: true })
    const second = hear(after)
    after.stream.write('after\n')
    await eventually(second.text, text => text.includes('1 before') && text.includes('2 after'))
    after.stream.destroy()
  })

  it('logs have every line once, and go on for followers', async () => {
    const id = await run('i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i"; sleep 0.05; done; exit 6')
    await eventually(
      () => logs(id),
      text => text.includes('line 5\n'),
    )
    const cut = logs(id, { follow: true }).catch(() => 'broken')
    await engine.restart(signal)
    await cut
    const lines = (await logs(id, { follow: true })).trim().split('\n')
    expect(lines).toEqual(Array.from({ length: 60 }, (_, index) => `line ${index + 1}`))
    expect((await client.containers.inspect(id)).State).toMatchObject({ Running: false, ExitCode: 6 })
  })

  it('an exit code is told to who waits afterwards, whether the end was seen or not', async () => {
    const [unseen, seen] = await Promise.all([run('sleep 0.2; exit 5'), run('sleep 4; exit 9')])
    await engine.restart(signal)
    const code = async (id: string) =>
      (await client.containers.wait(id, { condition: 'not-running' }, soon())).StatusCode
    expect(await Promise.all([code(unseen), code(seen)])).toEqual([5, 9])
  })

  it('a command that was started inside goes on, and another can be started', async () => {
    const id = await run('sleep 1000')
    const slow = await client.exec.create(id, { Cmd: ['sh', '-c', 'sleep 2; touch /tmp/done'] })
    await client.exec.start(slow.Id, { detach: true, tty: false })
    await engine.restart(signal)
    await expect(client.exec.inspect(slow.Id)).rejects.toMatchObject({ status: 404 })
    const isDone = async (): Promise<number | null> => {
      const { Id } = await client.exec.create(id, { Cmd: ['test', '-e', '/tmp/done'], AttachStdout: true })
      const attached = await client.exec.start(Id, { detach: false, tty: false })
      if (attached !== undefined) await hear(attached).over
      return (await client.exec.inspect(Id)).ExitCode
    }
    await eventually(isDone, code => code === 0)
  })
})
