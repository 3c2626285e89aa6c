import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Answer,
  digestOf,
  entry,
  type FakeRegistry,
  isRoot,
  jsonOf,
  leftovers,
  NOTHING,
  OCI_INDEX,
  OCI_MANIFEST,
  soon,
  tar,
  Workshop,
} from './support.ts'

const world = tar(entry('world', { content: 'world' }))
const other = tar(entry('other', { content: 'other' }))
const auth = { username: 'me', password: 'secret' }
const SECRET = `Basic ${Buffer.from('me:secret').toString('base64')}`

describe.skipIf(!isRoot)('hostile registries', () => {
  let workshop: Workshop
  let registry: FakeRegistry
  beforeEach(async () => {
    workshop = new Workshop()
    registry = await workshop.fakeRegistry()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  /** Pulls what must be refused, and leave nothing; resolves with the error. */
  async function refused(name: string): Promise<{ code: string; status: number; message: string }> {
    const store = await workshop.store('a')
    const error: unknown = await store.images.pull(name, {}, soon()).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(Error)
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
    expect(await store.images.list({})).toEqual([])
    return error as { code: string; status: number; message: string }
  }

  /** Replaces an answer; the size of what is served may be another than its digest's. */
  function serve(path: string, change: (body: Buffer) => Answer): void {
    registry.answers.set(path, change(registry.answers.get(path)?.body ?? Buffer.alloc(0)))
  }

  describe('every blob is checked', () => {
    const configPath = (): string => [...registry.answers.keys()].filter(path => path.includes('/blobs/')).at(-1) ?? ''

    it.each([
      ['a config with another content', configPath, (body: Buffer) => Buffer.alloc(body.length, 0x20)],
      ['a config that is cut off', configPath, (body: Buffer) => body.subarray(0, 5)],
      ['a config with more behind it', configPath, (body: Buffer) => Buffer.concat([body, body])],
      [
        'a layer with more behind it',
        () => registry.layerPath('app', world),
        (body: Buffer) => Buffer.concat([body, body]),
      ],
    ])('%s', async (_name, path, lie) => {
      const name = registry.publish('app', [world])
      serve(path(), body => ({ body: lie(body) }))
      expect((await refused(name)).code).toMatch(/^WRONG_DIGEST|TRUNCATED_BLOB$/)
    })

    it('a manifest of an index with another size, or another content', async () => {
      registry.publish('app', [world])
      const listed = registry.entryOf('app', { os: 'linux', architecture: 'amd64' }) as { digest: string; size: number }
      const name = registry.publishIndex('app', [{ ...listed, size: listed.size + 1 }], 'many')
      expect(await refused(name)).toMatchObject({ code: 'WRONG_DIGEST' })
      registry.publishIndex('app', [listed], 'many')
      registry.answers.set(`/v2/app/manifests/${listed.digest}`, { body: jsonOf({}), type: OCI_MANIFEST })
      expect(await refused(name)).toMatchObject({ code: 'WRONG_DIGEST' })
    })

    it('a manifest that is not what was announced', async () => {
      const name = registry.publish('app', [world])
      serve('/v2/app/manifests/1', body => ({
        body,
        type: OCI_MANIFEST,
        headers: { 'docker-content-digest': digestOf(other) },
      }))
      expect(await refused(name)).toMatchObject({ code: 'WRONG_DIGEST' })
    })

    it('a body without an end', async () => {
      const name = registry.publish('app', [world])
      serve(registry.layerPath('app', world), body => ({
        body: Buffer.concat([body, Buffer.alloc(5 << 20)]),
        slowBytes: 64 << 10,
      }))
      expect(await refused(name)).toMatchObject({ code: 'WRONG_DIGEST' })
    })
  })

  describe('a manifest means one thing', () => {
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(world), size: 5 }
    const layer = { mediaType: 'x', digest: digestOf(world), size: 5 }

    it.each([
      [
        'a manifest and an index at once',
        { config, layers: [layer], manifests: [] },
        'it is a manifest and an index at once',
      ],
      ['a manifest that is served as an index', { mediaType: OCI_INDEX, config, layers: [] }, 'but calls itself'],
      [
        'a chart',
        { config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' }, layers: [] },
        'something else than an image',
      ],
      [
        'a digest that is a path',
        { config: { ...config, digest: 'sha256:../../etc/passwd' }, layers: [] },
        'a digest is not sha256',
      ],
      ['another digest than sha256', { config: { ...config, digest: 'md5:00' }, layers: [] }, 'a digest is not sha256'],
      ['a size below nothing', { config: { ...config, size: -1 }, layers: [] }, 'a size is missing'],
      ['a size beyond numbers', { config: { ...config, size: 1e300 }, layers: [] }, 'a size is missing'],
      ['a config larger than any', { config: { ...config, size: 1e12 }, layers: [] }, 'its config has more than'],
      ['more layers than stack', { config, layers: Array.from({ length: 5_000 }, () => layer) }, 'it has 5000 layers'],
      ['layers that are no list', { config, layers: {} }, 'it lists neither layers nor manifests'],
      ['no config', { layers: [] }, 'a digest is not sha256'],
    ])('%s', async (_name, fields, why) => {
      const name = registry.serveManifest('app', jsonOf({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...fields }))
      const error = await refused(name)
      expect(error).toMatchObject({ code: 'BAD_MANIFEST', status: 400 })
      expect(error.message).toContain(why)
    })

    it.each([
      ['schema 1', jsonOf({ schemaVersion: 1, fsLayers: [], history: [] }), 'OLD_MANIFEST'],
      ['a page for people', Buffer.from('<html>login</html>'), 'BAD_MANIFEST'],
      ['nothing', Buffer.alloc(0), 'BAD_MANIFEST'],
      ['more bytes than any manifest has', Buffer.alloc(5 << 20, 0x20), 'BAD_MANIFEST'],
      ['more bytes than are ever read', Buffer.alloc(9 << 20, 0x20), 'REGISTRY_ANSWER'],
      ['brackets without end', Buffer.from('['.repeat(200_000)), 'BAD_MANIFEST'],
    ])('%s', async (_name, bytes, code) => {
      expect((await refused(registry.serveManifest('app', bytes))).code).toBe(code)
    })

    it('an index of indexes without end, or of too many', async () => {
      registry.publish('app', [world])
      let listed = registry.entryOf('app', { os: 'linux', architecture: 'amd64' })
      for (const tag of ['a', 'b', 'c', 'd', 'e']) {
        registry.publishIndex('app', [listed], tag)
        listed = { ...registry.entryOf('app', { os: 'linux', architecture: 'amd64' }, tag), mediaType: OCI_INDEX }
      }
      expect((await refused(`${registry.host}/app:e`)).message).toContain('an index of indexes')
      const many = registry.publishIndex(
        'app',
        Array.from({ length: 2_000 }, () => listed),
        'many',
      )
      expect((await refused(many)).message).toContain('its index has 2000 entries')
    })

    it('a layer larger than the disk is not even begun', async () => {
      const name = registry.publish('app', [world], { layers: [{ ...layer, size: Number.MAX_SAFE_INTEGER }] })
      expect(await refused(name)).toMatchObject({ code: 'DISK_FULL' })
      expect(registry.requests.some(({ path }) => path.endsWith(layer.digest))).toBe(false)
    })
  })

  describe("an image's config is data", () => {
    it.each([
      ['no JSON', { rootfs: undefined }, 'its config names no layers'],
      ['an environment that is text', { config: { Env: 'A=1' } }, 'its config.config.Env is malformed'],
      ['a command of numbers', { config: { Cmd: [1] } }, 'its config.config.Cmd is malformed'],
      ['a user that is a list', { config: { User: ['root'] } }, 'its config.config.User is malformed'],
      ['labels that are no text', { config: { Labels: { a: { b: 1 } } } }, 'its config.config.Labels is malformed'],
      ['volumes that are a list', { config: { Volumes: ['/etc'] } }, 'its config.config.Volumes is malformed'],
      [
        'a check that is text',
        { config: { Healthcheck: { Test: 'rm' } } },
        'its config.config.Healthcheck.Test is malformed',
      ],
      ['a grace that is no number', { config: { StopTimeout: '9' } }, 'its config.config.StopTimeout is malformed'],
      ['history that is no list', { history: {} }, 'its config.history is malformed'],
      ['another system', { os: 'windows' }, 'image operating system "windows" cannot be used on this platform'],
      ['layers that are paths', { rootfs: { type: 'layers', diff_ids: ['../../etc'] } }, 'no sha256 digest'],
    ])('refuses %s', async (_name, config, why) => {
      const error = await refused(registry.publish('app', [world], { config }))
      expect(error).toMatchObject({ code: 'BAD_MANIFEST', status: 400 })
      expect(error.message).toContain(why)
    })

    it('keeps odd words as they are, and does nothing with them', async () => {
      const config = JSON.parse(
        '{"User":"4294967296:-1","WorkingDir":"/proc/self/fd/7","StopSignal":"$(reboot)","Labels":{"__proto__":"x","constructor":"binary:///bin/sh","\\u001b[2J":"`id`"},"Volumes":{"../../etc":{}},"Env":["A=$(id)","LD_PRELOAD=/x"]}',
      ) as object
      const store = await workshop.store('a')
      await store.images.pull(registry.publish('app', [world], { config: { config } }), {}, soon())
      const { Config } = await store.images.inspect(`${registry.host}/app:1`)
      expect(JSON.parse(JSON.stringify(Config))).toMatchObject(config)
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
      const found = await store.images.list({ filters: { label: ['constructor=binary:///bin/sh'] } })
      expect(found).toHaveLength(1)
      expect(await store.images.list({ filters: { label: ['toString'] } })).toEqual([])
    })
  })

  describe('credentials go to their registry only', () => {
    async function elsewhere(): Promise<FakeRegistry> {
      registry.guard = (_path, given) => (given === SECRET ? undefined : { status: 401, challenge: 'Basic realm="x"' })
      return workshop.fakeRegistry()
    }
    const seen = (host: FakeRegistry): (string | undefined)[] => host.requests.map(({ authorization }) => authorization)

    it('not where it redirects to', async () => {
      const far = await elsewhere()
      const name = registry.publish('app', [world])
      const path = registry.layerPath('app', world)
      far.answers.set('/far', registry.answers.get(path) ?? { body: Buffer.alloc(0) })
      registry.answers.set(path, {
        body: Buffer.alloc(0),
        status: 307,
        headers: { location: `http://${far.host}/far` },
      })
      const store = await workshop.store('a')
      await store.images.pull(name, { auth }, soon())
      expect(seen(far)).toEqual([undefined])
    })

    it('not where it wants uploads to go', async () => {
      const far = await elsewhere()
      const store = await workshop.store('a')
      await store.images.pull((await workshop.fakeRegistry()).publish('app', [world]), {}, soon())
      const [image] = await store.images.list({})
      await store.images.tag(image?.Id ?? '', `${registry.host}/app:1`)
      registry.answers.set('/v2/app/blobs/uploads/', {
        body: Buffer.alloc(0),
        status: 202,
        headers: { location: `http://${far.host}/upload` },
      })
      await expect(store.images.push(`${registry.host}/app:1`, { auth }, soon())).rejects.toThrow()
      expect(far.requests.length).toBeGreaterThan(0)
      expect(seen(far).filter(given => given !== undefined)).toEqual([])
    })

    it('not to addresses that a layer names', async () => {
      const far = await elsewhere()
      const packed = registry.publish('app', [world])
      const { layers } = JSON.parse(String(registry.answers.get('/v2/app/manifests/1')?.body)) as { layers: object[] }
      const foreign = layers.map(layer => ({
        ...layer,
        mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        urls: [`http://${far.host}/foreign`],
      }))
      registry.publish('app', [world], { layers: foreign })
      const store = await workshop.store('a')
      await store.images.pull(packed, { auth }, soon())
      expect(far.requests).toEqual([])
    })

    it('not to a mirror', async () => {
      const far = await workshop.fakeRegistry()
      far.publish('library/app', [world])
      far.guard = (path, given) =>
        path === '/v2/' && given === undefined ? { status: 401, challenge: 'Basic realm="x"' } : undefined
      const store = await workshop.store('a', { options: { registryMirrors: [`http://${far.host}`] } })
      await store.images.pull('app:1', { auth }, soon())
      expect(seen(far).filter(given => given !== undefined)).toEqual([])
    })

    it('not where the next page of a list is said to be', async () => {
      const far = await elsewhere()
      registry.answers.set('/v2/_catalog?n=1000', {
        body: jsonOf({ repositories: ['team/app'] }),
        headers: { link: `<http://${far.host}/v2/_catalog>; rel="next"` },
      })
      const store = await workshop.store('a')
      const found = await store.images.search(`${registry.host}/app`, { auth }, soon())
      expect(found.map(({ name }) => name)).toEqual([`${registry.host}/team/app`])
      expect(far.requests).toEqual([])
    })
  })

  describe('nonsense is told as such', () => {
    it.each([
      ['redirects in a circle', { status: 302, headers: { location: '/v2/app/manifests/1' } }, 'REGISTRY_REDIRECTS'],
      ['redirects to a file', { status: 302, headers: { location: 'file:///etc/passwd' } }, 'REGISTRY_REDIRECTS'],
    ])('%s', async (_name, answer, code) => {
      registry.answers.set('/v2/app/manifests/1', { body: Buffer.alloc(0), ...answer })
      expect((await refused(`${registry.host}/app:1`)).code).toBe(code)
    })

    it('words of its errors come on one line, and not too many', async () => {
      const message = `\u001b[2J\nroot:x\r${'long '.repeat(1_000)}`
      registry.answers.set('/v2/app/manifests/1', { body: jsonOf({ errors: [{ code: 'X', message }] }), status: 400 })
      const error = await refused(`${registry.host}/app:1`)
      expect(error.message).not.toMatch(/\p{Cc}/u)
      expect(error.message.length).toBeLessThan(600)
    })

    it.each([
      ['a token that is none', '{"token":["x"]}', 'REGISTRY_ANSWER'],
      ['a token with a line in it', '{"token":"x\\r\\nHost: y"}', 'REGISTRY_ANSWER'],
      ['a token service that says nothing', '', 'REGISTRY_ANSWER'],
    ])('%s', async (_name, body, code) => {
      const name = registry.publish('app', [world])
      const challenge = `Bearer realm="http://${registry.host}/token"`
      registry.guard = path =>
        path.startsWith('/token') ? { status: 200, body: body || ' ' } : { status: 401, challenge }
      expect((await refused(name)).code).toBe(code)
    })

    it.each(['file:///etc/passwd', 'javascript:x', '//', ''])('a token service at "%s"', async realm => {
      const name = registry.publish('app', [world])
      registry.guard = () => ({ status: 401, challenge: `Bearer realm="${realm}"` })
      expect((await refused(name)).code).toBe('REGISTRY_DENIED')
    })

    it('asks for credentials without end', async () => {
      const name = registry.publish('app', [world])
      const challenge = `Bearer realm="http://${registry.host}/token"`
      registry.guard = path =>
        path.startsWith('/token') ? { status: 200, body: '{"token":"t"}' } : { status: 401, challenge }
      expect((await refused(name)).code).toBe('REGISTRY_DENIED')
      expect(registry.requests.length).toBeLessThan(8)
    })
  })
})
