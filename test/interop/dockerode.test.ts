import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import Docker from 'dockerode'
import { describe, it } from 'vitest'
import { busyboxArchive, contextTar } from '../support/busybox-image.ts'
import { IDLE } from './support/idle.ts'
import type { Script } from './support/script.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree } = twoEngines({ subnet: 222, images: [image] })

const connect = (script: Script): Docker => new Docker({ socketPath: script.engine.socket, version: 'v1.41' })

/** What a call gave, or what its error says. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    const { statusCode, reason } = error as { statusCode?: number; reason?: string }
    return { statusCode, reason, message: (error as Error).message }
  }
}

async function follow(docker: Docker, stream: NodeJS.ReadableStream): Promise<unknown> {
  return new Promise((done, fail) => {
    docker.modem.followProgress(stream, (error: Error | null, lines: unknown) =>
      error === null ? done(lines) : fail(error),
    )
  })
}

describe('dockerode', () => {
  it('runs a container attached, and reads its output and end', () =>
    agree(async script => {
      const docker = connect(script)
      const container = await docker.createContainer({
        ...IDLE,
        Cmd: ['sh', '-c', 'cat; echo err >&2; exit 6'],
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
      })
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
      await container.start()
      stream.end('typed\n')
      script.tell('attached output', (await buffer(stream)).toString('hex'))
      script.tell('wait', await container.wait())
      script.tell('logs', String(await container.logs({ stdout: true, stderr: true })))
      script.tell('remove', await outcome(() => container.remove()))
      script.tell('remove again', await outcome(() => container.remove()))
    }))

  it('executes, lists processes, changes, statistics and files', () =>
    agree(async script => {
      const docker = connect(script)
      const container = await docker.createContainer({ ...IDLE, name: 'box' })
      await container.start()
      const exec = await container.exec({
        Cmd: ['sh', '-c', 'echo out; exit 9'],
        AttachStdout: true,
        AttachStderr: true,
      })
      const stream = await exec.start({})
      script.tell('exec', (await buffer(stream)).toString('hex'))
      const { Running, ExitCode, ProcessConfig } = await exec.inspect()
      script.tell('exec inspect', { Running, ExitCode, ProcessConfig })
      script.tell(
        'put',
        await outcome(async () => {
          await container.putArchive(Readable.from([await contextTar({ note: 'noted' })]), { path: '/srv' })
          return 'put'
        }),
      )
      script.tell(
        'get',
        await outcome(async () => (await text(await container.getArchive({ path: '/srv/note' }))).includes('noted')),
      )
      script.tell('get of nothing', await outcome(() => container.getArchive({ path: '/nosuch' })))
      script.tell('changes', await outcome(() => container.changes()))
      script.tell('stats', await outcome(async () => Object.keys(await container.stats({ stream: false })).toSorted()))
      script.tell('update', await outcome(() => container.update({ Memory: 64 * 2 ** 20, MemorySwap: -1 })))
      script.tell('rename', await outcome(() => container.rename({ name: 'renamed' })))
      script.tell('top', ((await container.top()) as { Titles: string[] }).Titles)
      script.tell('pause', await outcome(() => container.pause()))
      script.tell('unpause', await outcome(() => container.unpause()))
      script.tell(
        'commit',
        await outcome(async () => Object.keys((await container.commit({ repo: 'kept', tag: '1' })) as object)),
      )
      script.tell('export', await outcome(async () => (await text(await container.export())).includes('noted')))
      script.tell('kill', await outcome(() => container.kill()))
      script.tell('kill again', await outcome(() => container.kill()))
    }))

  it('handles images', () =>
    agree(async script => {
      const docker = connect(script)
      const context = await contextTar({ Dockerfile: 'FROM busybox:test\nLABEL made=here\nRUN echo hi > /hi\n' })
      const lines = await follow(docker, await docker.buildImage(Readable.from([context]), { t: 'ode:1' }))
      script.tell('build ends with', (lines as { stream?: string }[]).at(-1))
      const built = docker.getImage('ode:1')
      script.tell('labels', (await built.inspect()).Config.Labels)
      script.tell('history', await outcome(async () => ((await built.history()) as unknown[]).length))
      script.tell('tag', await outcome(() => built.tag({ repo: 'ode', tag: '2' })))
      const saved = await buffer(await docker.getImage('ode:2').get())
      script.tell('remove', ((await docker.getImage('ode:2').remove()) as unknown[]).length)
      script.tell('remove the last', await outcome(async () => ((await built.remove()) as unknown[]).length > 0))
      script.tell('load', await follow(docker, await docker.loadImage(Readable.from([saved]))))
      script.tell('prune', await outcome(() => docker.pruneImages({ filters: { label: ['nosuch'] } })))
      script.tell('pull of nothing', await outcome(() => docker.pull(`${script.engine.address}:1/nosuch:1`)))
      await docker.getImage('ode:2').remove()
    }))

  it('handles networks, volumes and events', () =>
    agree(async script => {
      const docker = connect(script)
      const since = Math.floor(Date.now() / 1_000)
      const network = await docker.createNetwork({ Name: 'odd', Labels: { l: '1' } })
      const volume = await docker.createVolume({ Name: 'odd', Labels: { l: '1' } })
      script.tell('volume', volume.name)
      const container = await docker.createContainer({ ...IDLE, name: 'member' })
      await container.start()
      script.tell(
        'connect',
        await outcome(() => network.connect({ Container: 'member', EndpointConfig: { Aliases: ['also'] } })),
      )
      const { Containers } = (await network.inspect()) as { Containers: Record<string, { Name: string }> }
      script.tell(
        'members',
        Object.values(Containers).map(one => one.Name),
      )
      script.tell('disconnect', await outcome(() => network.disconnect({ Container: 'member' })))
      await container.remove({ force: true })
      script.tell('prune networks', await outcome(() => docker.pruneNetworks({ filters: { label: ['l'] } })))
      script.tell('prune volumes', await outcome(() => docker.pruneVolumes({ filters: { label: ['l'] } })))
      const until = Math.ceil(Date.now() / 1_000)
      const events = await text(await docker.getEvents({ since, until, filters: { container: ['member'] } }))
      const actions = events
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { Action: string }).Action)
      script.tell('events', actions)
      script.tell('df', Object.keys((await docker.df()) as object).toSorted())
    }))
})
