import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { get as httpsGet } from 'node:https'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { failed, invalidInput, notFound } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { stubEngine } from '../support/stub-engine.ts'
import { closing, serve } from './served-engine.ts'

const signal = new AbortController().signal

describe('images', () => {
  it('are told by names with slashes', async () => {
    const asked: string[] = []
    const { client, post } = await serve({
      images: {
        inspect: async name => {
          asked.push(`inspect ${name}`)
          return { Id: 'sha256:1' } as never
        },
        tag: async (name, target) => void asked.push(`tag ${name} ${target}`),
        remove: async name => {
          asked.push(`remove ${name}`)
          return [{ Untagged: name }]
        },
        save: async names => Readable.from([`tar of ${names.join()}`]),
      },
    })
    await client.images.inspect('localhost:5000/team/app:1')
    await client.images.tag('team/app', 'localhost:5000/team/app:2')
    await client.images.remove('team/app@sha256:abc', {})
    expect(await text(await client.images.save(['a/b:1', 'c']))).toBe('tar of a/b:1,c')
    expect(asked).toEqual([
      'inspect localhost:5000/team/app:1',
      'tag team/app localhost:5000/team/app:2',
      'remove team/app@sha256:abc',
      'inspect a/b:1',
      'inspect c',
    ])
    expect((await post('/images/a/tag')).status).toBe(400)
  })

  it('are pulled with progress, credentials and a late failure inside the stream', async () => {
    const seen: unknown[] = []
    const { client } = await serve({
      images: {
        pull: async (reference, { auth, onProgress }) => {
          seen.push(reference, auth)
          if (reference.endsWith(':early')) throw notFound('NO_SUCH_IMAGE', 'manifest unknown')
          onProgress?.({ status: 'Pulling' })
          throw failed('BAD_DIGEST', 'the layer has another digest')
        },
      },
    })
    const progress: unknown[] = []
    const options = { auth: { username: 'u', password: 'p' }, onProgress: (message: unknown) => progress.push(message) }
    await expect(client.images.pull('host:5000/a/b:1', options, signal)).rejects.toThrow('the layer has another digest')
    await expect(client.images.pull('a:early', {}, signal)).rejects.toMatchObject({ status: 404 })
    expect(progress).toEqual([{ status: 'Pulling' }])
    expect(seen).toEqual(['host:5000/a/b:1', { username: 'u', password: 'p' }, 'a:early', undefined])
  })

  it('are loaded and built from archives, which the engine gets as they were sent', async () => {
    const contexts: string[] = []
    const { client, post } = await serve({
      images: {
        load: async archive => [`loaded:${await text(archive)}`],
        build: async (context, { tags, buildArgs, dockerfile }, onProgress) => {
          contexts.push(gunzipSync(await buffer(context)).toString(), JSON.stringify({ tags, buildArgs, dockerfile }))
          onProgress({ stream: 'Step 1/1 : FROM scratch\n' })
          return 'sha256:0123456789abcdef'
        },
      },
    })
    expect(await client.images.load(Readable.from([Buffer.from('tar')]), signal)).toEqual(['loaded:tar'])
    const options = { tags: ['a:1'], dockerfile: 'D', buildArgs: { A: 'b' }, labels: {}, noCache: false, pull: false }
    const lines: unknown[] = []
    const onProgress = (message: unknown): void => void lines.push(message)
    const packed = gzipSync('context')
    // The first piece is too short to tell that it is packed.
    const context = Readable.from([packed.subarray(0, 1), packed.subarray(1)])
    expect(await client.images.build(context, options, onProgress, signal)).toBe('sha256:0123456789abcdef')
    expect(contexts).toEqual(['context', '{"tags":["a:1"],"buildArgs":{"A":"b"},"dockerfile":"D"}'])
    expect(lines).toEqual([{ stream: 'Step 1/1 : FROM scratch\n' }, { aux: { ID: 'sha256:0123456789abcdef' } }])
    expect((await post('/build')).status).toBe(400)
    expect((await post('/build?version=2', 'x')).status).toBe(501)
  })
})

it('tells why a build was refused though its context was still on its way', async () => {
  const { client } = await serve({
    images: {
      build: async context => {
        // As streams do that fail while they are read.
        context.destroy(new Error('damaged'))
        throw invalidInput('NO', 'not this one')
      },
    },
  })
  const options = { tags: [], dockerfile: 'D', buildArgs: {}, labels: {}, noCache: false, pull: false }
  const context = Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024)))
  const refused = client.images.build(context, options, () => {}, signal)
  await expect(refused).rejects.toMatchObject({ status: 400, message: 'not this one' })
})

describe('listen()', () => {
  const listen = async (hosts: string[], insecure = false) => {
    const server = await createDockerServer({ engine: stubEngine({}), log: silentLog })
    closing.push(() => server.close())
    return server.listen({ hosts, insecure })
  }

  it('refuses plain tcp where others can reach it, unless told', async () => {
    for (const host of ['tcp://0.0.0.0:0', 'tcp://:0', 'tcp://[::]:0']) {
      await expect(listen([host])).rejects.toMatchObject({ code: 'INSECURE_HOST' })
    }
    expect(await listen(['tcp://0.0.0.0:0'], true)).toEqual([expect.stringMatching(/^tcp:\/\/0\.0\.0\.0:\d+$/)])
  })

  it.each(['ftp://x', 'tcp://host', 'tcp://host:99999', 'fd://'])('cannot read %s', async host => {
    await expect(listen([host])).rejects.toMatchObject({ code: 'BAD_HOST', status: 400 })
  })

  it('takes over a socket file that nobody answers, and only such', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-listen-'))
    closing.push(() => rm(directory, { recursive: true }))
    const path = join(directory, 'run/engine.sock')
    expect(await listen([`unix://${path}`])).toEqual([`unix://${path}`])
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await expect(listen([`unix://${path}`])).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', status: 409 })
    const stale = join(directory, 'stale.sock')
    await writeFile(stale, '')
    expect(await listen([`unix://${stale}`])).toHaveLength(1)
  })

  it('speaks TLS, and lets in only clients of its authority', async () => {
    const pair = await makeCertificate()
    const server = await createDockerServer({ engine: stubEngine({}), log: silentLog })
    closing.push(() => server.close())
    const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'], tls: { ...pair, ca: pair.cert } })
    const ping = (client: object) =>
      new Promise(resolve => {
        const url = `${host.replace('tcp', 'https')}/_ping`
        const request = httpsGet(url, { ca: pair.cert, agent: false, ...client }, answer => resolve(answer.statusCode))
        request.on('error', () => resolve('refused'))
      })
    expect(await ping(pair)).toBe(200)
    expect(await ping({})).toBe('refused')
  })

  it('listens on all hosts or on none', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    closing.push(() => void taken.close())
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const free = 20_000 + (process.pid % 10_000)
    const hosts = [`tcp://127.0.0.1:${free}`, `tcp://127.0.0.1:${port}`]
    await expect(listen(hosts)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    const refused = await new Promise(resolve => connect(free, '127.0.0.1').on('error', resolve).on('connect', resolve))
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
  })
})
