import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import type { ProgressMessage } from '../../../src/docker-api/index.ts'
import { HttpClient } from '../../../src/runtime/images/registry/http.ts'
import { TrustStore } from '../../../src/runtime/images/registry/trust-store.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import {
  entry,
  type FakeRegistry,
  HOST_ARCHITECTURE,
  isRoot,
  jsonOf,
  OCI_INDEX,
  OCI_MANIFEST,
  soon,
  tar,
  until,
  Workshop,
} from './support.ts'

const hello = tar(entry('hello', { content: 'hello'.repeat(50_000) }))
const world = tar(entry('world', { content: 'world' }))

describe.skipIf(!isRoot)('pulling what is there for several platforms and tags', () => {
  let workshop: Workshop
  let registry: FakeRegistry
  beforeEach(async () => {
    workshop = new Workshop()
    registry = await workshop.fakeRegistry()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it("takes the image for the host, or for the platform that is asked for, and remembers the index's digest", async () => {
    registry.publish('app', [hello], { tag: 'mine' })
    registry.publish('app', [world], { tag: 'theirs', config: { architecture: 's390x' } })
    const name = registry.publishIndex('app', [
      registry.entryOf('app', { os: 'linux', architecture: 's390x' }, 'theirs'),
      registry.entryOf('app', { os: 'linux', architecture: HOST_ARCHITECTURE }, 'mine'),
    ])
    const store = await workshop.store('a')
    await store.images.pull(name, {}, soon())
    expect(await store.images.inspect(name)).toMatchObject({ Architecture: HOST_ARCHITECTURE })
    await store.images.pull(name, { platform: 'linux/s390x' }, soon())
    const { Architecture, RepoDigests } = await store.images.inspect(name)
    const { Descriptor, Platforms } = await store.images.distribution(name, {}, soon())
    expect([Architecture, RepoDigests]).toEqual(['s390x', [`${registry.host}/app@${Descriptor.digest}`]])
    expect([Descriptor.mediaType, Platforms.map(({ architecture }) => architecture)]).toEqual([
      OCI_INDEX,
      ['s390x', HOST_ARCHITECTURE],
    ])
    await expect(store.images.pull(name, { platform: 'linux/riscv64' }, soon())).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('no matching manifest for linux/riscv64 in the manifest list entries'),
    })
    await expect(store.images.pull(name, { platform: 'a/b/c/d' }, soon())).rejects.toMatchObject({ status: 400 })
  })

  it('takes every tag of a repository when told to', async () => {
    registry.publish('app', [hello], { tag: 'one' })
    registry.publish('app', [world], { tag: 'two' })
    registry.answers.set('/v2/app/tags/list?n=1000', {
      body: jsonOf({ name: 'app', tags: ['one'] }),
      headers: { link: '</v2/app/tags/list?n=1000&last=one>; rel="next"' },
    })
    registry.answers.set('/v2/app/tags/list?n=1000&last=one', { body: jsonOf({ name: 'app', tags: ['two', '../x'] }) })
    const store = await workshop.store('a')
    const said: (string | undefined)[] = []
    await store.images.pull(
      `${registry.host}/app`,
      { allTags: true, onProgress: ({ status }) => void said.push(status) },
      soon(),
    )
    const tags = (await store.images.list({})).flatMap(({ RepoTags }) => RepoTags)
    expect(tags.toSorted()).toEqual([`${registry.host}/app:one`, `${registry.host}/app:two`])
    expect(said.filter(status => status?.startsWith('Status: '))).toEqual([
      `Status: Downloaded newer image for ${registry.host}/app`,
    ])
  })

  it.each([
    ['zstd', (layer: Buffer) => zstdCompressSync(layer)],
    ['nothing', (layer: Buffer) => layer],
  ])('reads layers packed with %s', async (_name, pack) => {
    const store = await workshop.store('a')
    const id = await store.images.pull(registry.publish('app', [hello], { pack }), {}, soon())
    const root = await store.roots.mount('c', id)
    expect(readFileSync(join(root, 'hello'), 'utf8')).toBe('hello'.repeat(50_000))
  })

  it('says of each layer what Docker says, in its order', async () => {
    const store = await workshop.store('a')
    await store.images.pull(registry.publish('base', [world]), {}, soon())
    const messages: ProgressMessage[] = []
    await store.images.pull(
      registry.publish('app', [world, hello]),
      { onProgress: message => void messages.push(message) },
      soon(),
    )
    const shown = messages
      .map(({ status }) => status)
      .filter(status => status !== 'Downloading' && status !== 'Extracting')
    expect(shown).toEqual([
      'Pulling from app',
      'Already exists',
      'Pulling fs layer',
      'Verifying Checksum',
      'Download complete',
      'Pull complete',
      expect.stringMatching(/^Digest: sha256:/),
      `Status: Downloaded newer image for ${registry.host}/app:1`,
    ])
    const bars = messages.filter(({ status }) => status === 'Downloading').map(({ progressDetail }) => progressDetail)
    expect(bars.at(-1)?.current).toBe(bars.at(-1)?.total)
  })

  it('leaves the work to the others when one of several who pull an image goes', async () => {
    const name = registry.publish('app', [hello])
    const path = registry.layerPath('app', hello)
    registry.answers.set(path, { body: registry.answers.get(path)?.body ?? Buffer.alloc(0), slowBytes: 64 })
    const store = await workshop.store('a')
    const [stop, seen] = [new AbortController(), [] as string[]]
    const first = store.images.pull(name, {}, stop.signal)
    first.catch(() => {})
    await until(() => registry.requests.some(request => request.path === path))
    const second = store.images.pull(name, { onProgress: ({ status = '' }) => void seen.push(status) }, soon())
    await until(() => seen.includes('Pulling from app'))
    stop.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect(await second).toMatch(/^sha256:/)
    expect(registry.requests.filter(request => request.path === path)).toHaveLength(1)
    expect(seen).toContain('Pull complete')
  })
})

describe.skipIf(!isRoot)('asking registries', () => {
  let workshop: Workshop
  let registry: FakeRegistry
  beforeEach(async () => {
    workshop = new Workshop()
    registry = await workshop.fakeRegistry()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it('searches a catalogue page by page', async () => {
    const page = (repositories: readonly string[], next?: string) => ({
      body: jsonOf({ repositories }),
      ...(next === undefined ? {} : { headers: { link: `<${next}>; rel="next"` } }),
    })
    registry.answers.set('/v2/_catalog?n=1000', page(['team/web', 'team/db'], '/v2/_catalog?n=1000&last=x'))
    registry.answers.set('/v2/_catalog?n=1000&last=x', page(['webmail', 'other']))
    const store = await workshop.store('a')
    const search = async (term: string, options = {}): Promise<string[]> =>
      (await store.images.search(`${registry.host}/${term}`, options, soon())).map(({ name }) => name)
    expect(await search('web')).toEqual([`${registry.host}/team/web`, `${registry.host}/webmail`])
    expect(await search('', { limit: 1 })).toEqual([`${registry.host}/team/web`])
    expect(await search('web', { filters: { 'is-official': ['true'] } })).toEqual([])
    expect(await search('web', { filters: { stars: ['1'] } })).toEqual([])
    await expect(search('web', { filters: { color: ['x'] } })).rejects.toMatchObject({
      status: 400,
      message: "invalid filter 'color'",
    })
    await expect(store.images.search('', {}, soon())).rejects.toMatchObject({ status: 400 })
  })

  it('inspects what a registry has without taking it', async () => {
    const name = registry.publish('app', [hello])
    const store = await workshop.store('a')
    const { Descriptor, Platforms } = await store.images.distribution(name, {}, soon())
    expect([Descriptor.mediaType, Platforms]).toEqual([
      OCI_MANIFEST,
      [{ os: 'linux', architecture: HOST_ARCHITECTURE }],
    ])
    expect(await store.images.list({})).toEqual([])
    await expect(store.images.distribution(`${registry.host}/none:1`, {}, soon())).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('manifest unknown'),
    })
  })

  it('proves a password, and does not take a wrong one', async () => {
    const wanted = `Basic ${Buffer.from('me:secret').toString('base64')}`
    registry.guard = (_path, given) => (given === wanted ? undefined : { status: 401, challenge: 'Basic realm="x"' })
    const { images } = await workshop.store('a')
    const given = { username: 'me', password: 'secret', serveraddress: registry.host }
    expect(await images.login(given, soon())).toEqual({ Status: 'Login Succeeded', IdentityToken: '' })
    expect(await images.login({ ...given, serveraddress: `http://${registry.host}/v1/` }, soon())).toMatchObject({
      Status: 'Login Succeeded',
    })
    await expect(images.login({ ...given, password: 'wrong' }, soon())).rejects.toMatchObject({
      status: 401,
      message: `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized`,
    })
    await expect(images.login({ ...given, serveraddress: 'http://' }, soon())).rejects.toMatchObject({ status: 400 })
  })

  it('keeps the token that a service gives instead of the password', async () => {
    registry.guard = (path, given) => {
      if (path.startsWith('/token')) return { status: 200, body: '{"token":"t","refresh_token":"keep"}' }
      const challenge = `Bearer realm="http://${registry.host}/token",service="reg"`
      return given === 'Bearer t' ? undefined : { status: 401, challenge }
    }
    const { images } = await workshop.store('a')
    const given = { username: 'me', password: 'secret', serveraddress: registry.host }
    expect(await images.login(given, soon())).toEqual({ Status: 'Login Succeeded', IdentityToken: 'keep' })
    expect(registry.requests.find(({ path }) => path.startsWith('/token'))?.path).toBe(
      '/token?service=reg&account=me&client_id=shoal&offline_token=true',
    )
  })
})

describe.skipIf(!isRoot)('registries with certificates of their own', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  /** A registry behind TLS. */
  async function tlsRegistry(options: { readonly clients?: Buffer } = {}) {
    const [certificate, registry] = [await makeCertificate(), await workshop.fakeRegistry()]
    const { cert, key } = certificate
    const clients =
      options.clients === undefined ? {} : { ca: options.clients, requestCert: true, rejectUnauthorized: true }
    const server: Server = createServer({ cert, key, ...clients }, (request, response) => {
      const { authorization } = request.headers
      void fetch(`http://${registry.host}${request.url}`, {
        headers: authorization === undefined ? {} : { authorization },
      }).then(async answer => {
        const challenge = answer.headers.get('www-authenticate')
        response.writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? '',
          ...(challenge === null ? {} : { 'www-authenticate': challenge }),
        })
        response.end(Buffer.from(await answer.arrayBuffer()))
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    workshop.defer(async () => {
      server.closeAllConnections()
      await new Promise(resolve => void server.close(resolve))
    })
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    return { registry, host, cert, key }
  }

  it('are trusted by what lies in the directory of their host', async () => {
    const { host, cert } = await tlsRegistry()
    const certificates = workshop.path('certs.d')
    mkdirSync(join(certificates, host), { recursive: true })
    writeFileSync(join(certificates, host, 'ca.crt'), cert)
    const request = { method: 'GET', url: `https://${host}/v2/`, signal: soon() }
    const ask = async (directory: string): Promise<number> => {
      using http = new HttpClient(
        { anyCertificate: false, context: await new TrustStore(directory).contextFor(host) },
        systemClock,
      )
      const { status, body } = await http.send(request)
      body.resume()
      return status
    }
    expect(await ask(certificates)).toBe(200)
    await expect(ask(workshop.path('none'))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('if it is meant to be insecure, name it with --insecure-registry'),
    })
  })

  it('are shown the certificate of ours that lies there', async () => {
    const client = await makeCertificate()
    const { host, cert } = await tlsRegistry({ clients: client.cert })
    const directory = workshop.path('certs.d', host)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'ca.crt'), cert)
    writeFileSync(join(directory, 'client.cert'), client.cert)
    const trust = new TrustStore(workshop.path('certs.d'))
    await expect(trust.contextFor(host)).rejects.toMatchObject({
      code: 'BAD_CERTIFICATES',
      message: expect.stringContaining('the key client.key is missing'),
    })
    writeFileSync(join(directory, 'client.key'), client.key)
    using http = new HttpClient({ anyCertificate: false, context: await trust.contextFor(host) }, systemClock)
    const { status, body } = await http.send({ method: 'GET', url: `https://${host}/v2/`, signal: soon() })
    body.resume()
    expect(status).toBe(200)
    writeFileSync(join(directory, 'lonely.key'), client.key)
    await expect(trust.contextFor(host)).rejects.toThrow('there is no certificate for lonely.key')
  })

  it('are reached without any where their address is insecure', async () => {
    const { registry, host } = await tlsRegistry()
    registry.publish('app', [world])
    const store = await workshop.store('a')
    expect(await store.images.pull(`${host}/app:1`, {}, soon())).toMatch(/^sha256:/)
  })

  it('get no password where they want it in clear text', async () => {
    const { registry, host } = await tlsRegistry()
    registry.publish('app', [world])
    registry.guard = path =>
      path.startsWith('/token')
        ? { status: 200, body: '{"token":"t"}' }
        : { status: 401, challenge: `Bearer realm="http://${registry.host}/token"` }
    const store = await workshop.store('a')
    const auth = { username: 'me', password: 'secret' }
    await expect(store.images.pull(`${host}/app:1`, { auth }, soon())).rejects.toThrow()
    expect(registry.requests.some(({ path }) => path.startsWith('/token'))).toBe(false)
  })
})
