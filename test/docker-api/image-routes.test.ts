import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import {
  createDockerClient,
  type ImageInspect,
  type ImageOperations,
  type ImageSummary,
} from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(images: Partial<ImageOperations>) {
  const server = await createDockerServer({ engine: stubEngine({ images }), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const client = createDockerClient(host, { clock: systemClock })
  closing.push(() => client.close())
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await fetch(host.replace('tcp:', 'http:') + path, { method, ...init })
    return { status: response.status, text: await response.text() }
  }
  return { images: client.images, call }
}

const soon = (): AbortSignal => AbortSignal.timeout(10_000)
const SUMMARY: ImageSummary = {
  Id: 'sha256:1',
  ParentId: '',
  RepoTags: [],
  RepoDigests: [],
  Created: 1,
  Size: 7,
  SharedSize: -1,
  Containers: -1,
  Labels: null,
}
const INSPECT = { Id: 'sha256:1', Size: 7 } as ImageInspect

describe('answers of older versions', () => {
  const none = { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }

  it.each([
    ['/images/json', SUMMARY],
    ['/v1.44/images/json', SUMMARY],
    ['/v1.43/images/json', { ...SUMMARY, VirtualSize: 7 }],
    ['/v1.42/images/json', { ...SUMMARY, VirtualSize: 7, ...none }],
  ])('%s', async (path, expected) => {
    const { call } = await serve({ list: () => Promise.resolve([SUMMARY]) })
    expect(JSON.parse((await call('GET', path)).text)).toEqual([expected])
  })

  it('an image with a name keeps it in every version', async () => {
    const named = { ...SUMMARY, RepoTags: ['app:1'] }
    const { call } = await serve({ list: () => Promise.resolve([named]) })
    expect(JSON.parse((await call('GET', '/v1.24/images/json')).text)).toEqual([{ ...named, VirtualSize: 7 }])
  })

  it.each([
    ['/images/a/json', INSPECT],
    ['/v1.44/images/a/json', { ...INSPECT, Container: '', ContainerConfig: expect.objectContaining({ Cmd: null }) }],
    ['/v1.43/images/a/json', expect.objectContaining({ VirtualSize: 7, Container: '' })],
  ])('%s', async (path, expected) => {
    const { call } = await serve({ inspect: () => Promise.resolve(INSPECT) })
    expect(JSON.parse((await call('GET', path)).text)).toEqual(expected)
  })
})

describe('image calls reach the engine, and come back, with all they carry', () => {
  /** Operations that note what they were asked, and answer with what is given. */
  function noting(answers: Readonly<Record<string, unknown>>) {
    const asked: unknown[] = []
    const note =
      (name: string, answer: unknown) =>
      (...args: unknown[]) => {
        asked.push([name, ...args.filter(arg => !(arg instanceof AbortSignal))])
        return Promise.resolve(answer)
      }
    const operations = Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, note(name, answer)]))
    return { asked, operations: operations as Partial<ImageOperations> }
  }

  it('through the client', async () => {
    const answers = {
      list: [SUMMARY],
      history: [{ Id: 'sha256:1', Created: 1, CreatedBy: 'x', Tags: null, Size: 0, Comment: '' }],
      remove: [{ Untagged: 'a:1' }],
      prune: { ImagesDeleted: null, SpaceReclaimed: 0 },
      search: [{ name: 'a', description: '', star_count: 0, is_official: false, is_automated: false }],
      distribution: { Descriptor: { mediaType: 'm', digest: 'd', size: 1 }, Platforms: [] },
      login: { Status: 'Login Succeeded', IdentityToken: 't' },
    }
    const { asked, operations } = noting(answers)
    const { images } = await serve(operations)
    const auth = { username: 'u', password: 'p' }
    const filters = { label: ['a=b'] }
    expect([
      await images.list({ filters, sharedSize: true, all: true }),
      await images.history('h:1/team/app:1'),
      await images.remove('a:1', { force: true, noprune: true }),
      await images.prune({ filters }),
      await images.search('h:1/word', { limit: 3, filters, auth }, soon()),
      await images.distribution('h:1/team/app:1', { auth }, soon()),
      await images.login({ ...auth, serveraddress: 'h:1' }, soon()),
    ]).toEqual(Object.values(answers))
    expect(asked).toEqual([
      ['list', { filters, sharedSize: true, all: true }],
      ['history', 'h:1/team/app:1'],
      ['remove', 'a:1', { force: true, noprune: true }],
      ['prune', { filters }],
      ['search', 'h:1/word', { auth, filters, limit: 3 }],
      ['distribution', 'h:1/team/app:1', { auth }],
      ['login', { ...auth, serveraddress: 'h:1' }],
    ])
  })

  it('imports come as a body or a URL, with everything said about them', async () => {
    const asked: unknown[] = []
    const { images, call } = await serve({
      import: async (source, { onProgress, ...options }) => {
        asked.push(source instanceof URL ? source.href : await text(source), options)
        onProgress?.({ status: 'Importing' })
        return 'sha256:2'
      },
    })
    const seen: unknown[] = []
    const options = { name: 'a/b:1', message: 'm', changes: ['CMD x', 'ENV A=1'], platform: 'linux/amd64' }
    const told = { ...options, onProgress: (it: unknown) => void seen.push(it) }
    expect(await images.import(Readable.from([Buffer.from('tar')]), told, soon())).toBe('sha256:2')
    expect(await images.import(new URL('https://h/x.tar'), {}, soon())).toBe('sha256:2')
    expect(asked).toEqual(['tar', options, 'https://h/x.tar', { changes: [] }])
    expect(seen).toEqual([{ status: 'Importing' }])
    expect((await call('POST', '/images/create?fromSrc=h/y.tar')).status).toBe(200)
    expect(asked.at(-2)).toBe('http://h/y.tar')
    expect((await call('POST', '/images/create')).status).toBe(400)
    expect((await call('POST', '/images/create?fromSrc=http://[')).status).toBe(400)
  })

  it('pulls and pushes name a tag, a digest or all tags', async () => {
    const asked: unknown[] = []
    const note = (
      reference: string,
      { allTags, platform }: { allTags?: boolean; platform?: string },
    ): Promise<string> => {
      asked.push([reference, allTags, platform])
      return Promise.resolve('sha256:1')
    }
    const { call } = await serve({
      pull: note,
      push: async (reference, options) => void (await note(reference, options)),
    })
    const digest = `sha256:${'a'.repeat(64)}`
    for (const query of [
      'fromImage=a&tag=1',
      `fromImage=a&tag=${digest}`,
      'fromImage=a',
      'fromImage=a:2&platform=linux/arm64',
    ]) {
      expect((await call('POST', `/images/create?${query}`)).status).toBe(200)
    }
    for (const path of ['/images/h:1/a/push?tag=1', '/images/h:1/a/push'])
      expect((await call('POST', path)).status).toBe(200)
    expect(asked).toEqual([
      ['a:1', false, undefined],
      [`a@${digest}`, false, undefined],
      ['a', true, undefined],
      ['a:2', true, 'linux/arm64'],
      ['h:1/a:1', false, undefined],
      ['h:1/a', true, undefined],
    ])
  })

  it('pushes of one platform name it, as of 1.46', async () => {
    const asked: unknown[] = []
    const { call } = await serve({
      push: (_reference, { platform }) => {
        asked.push(platform)
        return Promise.resolve()
      },
    })
    const push = async (platform: string, version = '') =>
      (await call('POST', `${version}/images/a/push?tag=1&platform=${encodeURIComponent(platform)}`)).status
    expect(await push('{"os":"linux","architecture":"arm","variant":"v7"}')).toBe(200)
    expect(await push('{"os":"linux","architecture":"amd64","os.version":"","later":1}')).toBe(200)
    expect(await push('whatever', '/v1.45')).toBe(200)
    expect(asked).toEqual(['linux/arm/v7', 'linux/amd64', undefined])
    for (const wrong of ['linux/arm64', '[]', 'null', '{"os":"linux"}', '{"os":1,"architecture":"arm"}']) {
      expect([wrong, await push(wrong)]).toEqual([wrong, 400])
    }
  })

  it('loads tell of layers only when asked to', async () => {
    const { call } = await serve({
      load: (_archive, _signal, { onProgress } = {}) => {
        onProgress?.({ status: 'Loading layer', id: 'abc' })
        return Promise.resolve(['a:1', 'sha256:2'])
      },
    })
    const lines = '{"stream":"Loaded image: a:1\\n"}\r\n{"stream":"Loaded image ID: sha256:2\\n"}\r\n'
    expect((await call('POST', '/images/load', { body: 'tar' })).text).toBe(lines)
    expect((await call('POST', '/images/load?quiet=0', { body: 'tar' })).text).toBe(
      `{"status":"Loading layer","id":"abc"}\r\n${lines}`,
    )
  })

  it.each(['/images/load', '/images/create?fromSrc=-'])('%s tells who still sends why it was refused', async path => {
    const refuse = async (archive: Readable | URL): Promise<never> => {
      // As a pipeline does that fails: it takes its source down with it.
      if (archive instanceof Readable) archive.once('data', () => {}).destroy()
      throw new ShoalError('BAD_TAR', 400, 'Cannot read the tar archive')
    }
    const { call } = await serve({ load: refuse, import: refuse })
    const answer = await call('POST', path, { body: Buffer.alloc(3 << 20) })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Cannot read the tar archive')])
  })

  it.each([
    ['GET', '/images/search?term=a&limit=101', 400],
    ['GET', '/images/search?term=a&limit=x', 400],
    ['GET', '/images/json?filters=x', 400],
    ['POST', '/images/prune?filters=[]', 400],
    ['GET', '/distribution/json', 404],
    ['GET', '/distribution/a/b', 404],
    ['POST', '/auth', 400],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const { call } = await serve({})
    const body = method === 'POST' && path === '/auth' ? { body: '[]' } : {}
    expect((await call(method, path, body)).status).toBe(status)
  })

  it('a refused password is a 401', async () => {
    const { images } = await serve({
      login: () => Promise.reject(new ShoalError('REGISTRY_DENIED', 401, 'login attempt failed')),
    })
    await expect(images.login({ username: 'u' }, soon())).rejects.toMatchObject({ status: 401 })
  })
})
