import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { ProgressMessage } from '../../../src/docker-api/index.ts'
import { digestOf, entry, isRoot, leftovers, NOTHING, skopeo, soon, tar, until, Workshop } from './support.ts'

const hello = tar(entry('hello', { content: 'hello'.repeat(50_000) }))
const world = tar(entry('world', { content: 'world' }))

describe.skipIf(!isRoot)('with a real registry', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it('pushes what skopeo and another store can pull, byte for byte', async () => {
    const host = await workshop.registry()
    const name = `${host}/team/app:1`
    const store = await workshop.store('a')
    const tree = workshop.path('tree')
    mkdirSync(join(tree, 'etc'), { recursive: true })
    writeFileSync(join(tree, 'etc/motd'), 'welcome')
    const id = await store.importRoot(tree, { config: { Cmd: ['sh'], Env: ['A=1'] }, tags: [name] })
    expect(await store.importRoot(tree, { config: { Cmd: ['sh'], Env: ['A=1'] }, tags: [] })).toBe(id)
    const pushed: ProgressMessage[] = []
    await store.images.push(name, { onProgress: message => pushed.push(message) }, soon())
    const digest = pushed.findLast(message => message.aux !== undefined)?.aux?.['Digest']
    expect(pushed[0]).toEqual({ status: `The push refers to repository [${host}/team/app]` })

    const seen = JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${name}`)) as {
      Digest: string
      Env: string[]
    }
    expect([seen.Digest, seen.Env]).toEqual([digest, ['A=1']])
    skopeo('copy', '--src-tls-verify=false', `docker://${name}`, `dir:${workshop.path('copied')}`)

    const other = await workshop.store('b')
    const messages: ProgressMessage[] = []
    expect(await other.images.pull(name, { onProgress: message => messages.push(message) }, soon())).toBe(id)
    expect(messages[0]).toEqual({ status: 'Pulling from team/app', id: '1' })
    expect(messages.map(message => message.status).filter(status => status !== 'Downloading')).toEqual([
      'Pulling from team/app',
      'Pulling fs layer',
      'Verifying Checksum',
      'Download complete',
      'Extracting',
      'Extracting',
      'Pull complete',
      `Digest: ${String(digest)}`,
      `Status: Downloaded newer image for ${name}`,
    ])
    expect((await other.images.inspect(name)).RepoDigests).toEqual([`${host}/team/app@${String(digest)}`])
    expect(readFileSync(join(await other.roots.mount('c', id), 'etc/motd'), 'utf8')).toBe('welcome')

    const again: string[] = []
    await other.images.pull(
      `${host}/team/app@${String(digest)}`,
      { onProgress: it => again.push(it.status ?? '') },
      soon(),
    )
    expect(again).toHaveLength(3)
    expect(again.at(-1)).toMatch(/^Status: Image is up to date for /)
  })

  it('pulls what skopeo pushed in the format of Docker', async () => {
    const host = await workshop.registry()
    const store = await workshop.store('a')
    const tree = workshop.path('tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'x')
    const id = await store.importRoot(tree, { config: { Entrypoint: ['/file'] }, tags: ['app:1'] })
    const archive = workshop.path('app.tar')
    writeFileSync(archive, Buffer.concat(await (await store.images.save(['app:1'])).toArray()))
    skopeo(
      'copy',
      '-q',
      '--format=v2s2',
      '--dest-tls-verify=false',
      `docker-archive:${archive}`,
      `docker://${host}/app:2`,
    )
    const other = await workshop.store('b')
    const pulled = await other.images.pull(`${host}/app:2`, {}, soon())
    expect((await other.images.inspect(pulled)).Config.Entrypoint).toEqual(['/file'])
    expect((await other.images.inspect(pulled)).RootFS).toEqual((await store.images.inspect(id)).RootFS)
  })

  it('says what to do about an image that is not there', async () => {
    const host = await workshop.registry()
    const store = await workshop.store('a')
    await expect(store.images.pull(`${host}/none:9`, {}, soon())).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
      status: 404,
      message: expect.stringContaining(`manifest for ${host}/none:9 not found: manifest unknown;`),
    })
    await expect(store.images.pull('127.0.0.1:1/none', {}, soon())).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('Cannot reach the registry 127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1)'),
    })
    await expect(store.images.push('none:1', {}, soon())).rejects.toMatchObject({
      status: 404,
      message: 'An image does not exist locally with the tag: none',
    })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })
})

/** Whether somebody waits to try again. Deadlines are longer: who lets those pass meets a registry that is silent. */
function isTryDue(clock: ManualClock): boolean {
  return (clock.nextDueMs() ?? Infinity) <= clock.nowMs() + 3_000
}

describe.skipIf(!isRoot)('with a registry that does wrong', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it.each([
    ['a blob of the same size', Buffer.alloc(200_000, 7)],
    ['a longer blob', Buffer.alloc(2_000_000, 7)],
  ])('refuses %s with another content, and keeps nothing of it', async (_name, body) => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello])
    const path = registry.layerPath('app', hello)
    const { length } = registry.answers.get(path)?.body ?? Buffer.alloc(0)
    const wrong = body.length === 200_000 ? Buffer.alloc(length, 7) : body
    registry.answers.set(path, { body: wrong })
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({ code: 'WRONG_DIGEST' })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
    expect(await store.images.list({})).toEqual([])
    // The registry mends its ways: nothing wrong was kept to go on from.
    registry.publish('app', [hello])
    await store.images.pull(name, {}, soon())
  })

  it('refuses a manifest that is not what its digest says', async () => {
    const registry = await workshop.fakeRegistry()
    registry.publish('app', [hello])
    const digest = digestOf(Buffer.from('something else'))
    const manifest = registry.answers.get('/v2/app/manifests/1')
    if (manifest !== undefined) registry.answers.set(`/v2/app/manifests/${digest}`, manifest)
    const store = await workshop.store('a')
    await expect(store.images.pull(`${registry.host}/app@${digest}`, {}, soon())).rejects.toMatchObject({
      code: 'WRONG_DIGEST',
    })
  })

  it('refuses a layer that unpacks to another content than the config says', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello], { diffIds: [digestOf(world)] })
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({ code: 'WRONG_DIGEST' })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('refuses a config that names other layers than the manifest', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello], { diffIds: [] })
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({ code: 'BAD_MANIFEST', status: 400 })
  })

  it('goes on where a broken connection stopped', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello])
    const path = registry.layerPath('app', hello)
    const whole = registry.answers.get(path) ?? { body: Buffer.alloc(0) }
    registry.answers.set(path, { ...whole, cutAfter: 300 })
    const clock = new ManualClock()
    const store = await workshop.store('a', { clock })
    const pulled = store.images.pull(name, {}, soon())
    pulled.catch(() => {})
    await until(() => isTryDue(clock))
    registry.answers.set(path, whole)
    await clock.advance(1_000)
    await pulled
    const ranges = registry.requests.filter(request => request.path === path).map(request => request.range)
    expect(ranges).toEqual([undefined, 'bytes=300-'])
  })

  it('gives up on a layer that stays cut off, with one clear error', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello])
    const path = registry.layerPath('app', hello)
    const { body } = registry.answers.get(path) ?? { body: Buffer.alloc(0) }
    registry.answers.set(path, { body: body.subarray(0, body.length - 50) })
    const clock = new ManualClock()
    const store = await workshop.store('a', { clock })
    const failure = store.images.pull(name, {}, soon()).catch((error: unknown) => error)
    let done = false
    void failure.then(() => {
      done = true
    })
    await until(async () => {
      if (isTryDue(clock)) clock.step()
      return done
    })
    expect(await failure).toMatchObject({ code: 'TRUNCATED_BLOB', message: expect.stringContaining('is cut off') })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('refuses a layer with an entry that leaves the root', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [hello, tar(entry('../../../escaped', { content: 'bad' }))])
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({
      code: 'ENTRY_LEAVES_ROOT',
      message: 'The archive is refused: its entry "../../../escaped" leads out of the root',
    })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('stops when told to, and leaves what was there intact', async () => {
    const registry = await workshop.fakeRegistry()
    const first = registry.publish('one', [world])
    const store = await workshop.store('a')
    const id = await store.images.pull(first, {}, soon())
    const before = leftovers(workshop, 'a')
    const second = registry.publish('two', [world, hello])
    const path = registry.layerPath('two', hello)
    registry.answers.set(path, { body: registry.answers.get(path)?.body ?? Buffer.alloc(0), slowBytes: 16 })
    const stop = new AbortController()
    const pulling = store.images.pull(second, {}, stop.signal)
    pulling.catch(() => {})
    await until(() => registry.requests.some(request => request.path === path))
    stop.abort(new Error('enough'))
    await expect(pulling).rejects.toThrow('enough')
    expect(leftovers(workshop, 'a')).toEqual(before)
    expect((await store.images.list({})).map(image => image.Id)).toEqual([id])
  })

  it('shows a name and password when asked to', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [world])
    const wanted = `Basic ${Buffer.from('me:secret').toString('base64')}`
    registry.guard = (_path, given) => (given === wanted ? undefined : { status: 401, challenge: 'Basic realm="x"' })
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      status: 404,
      message: expect.stringContaining(
        `pull access denied for ${name}, repository does not exist or may require 'docker login'`,
      ),
    })
    await store.images.pull(name, { auth: { username: 'me', password: 'secret' } }, soon())
  })

  it('fetches a token for what it wants to do', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('team/app', [world])
    const challenge = `Bearer realm="http://${registry.host}/token",service="reg"`
    registry.guard = (path, given) => {
      if (path.startsWith('/token'))
        return given === undefined ? { status: 401 } : { status: 200, body: '{"token":"abc"}' }
      return given === 'Bearer abc' ? undefined : { status: 401, challenge }
    }
    const store = await workshop.store('a')
    await expect(store.images.pull(name, {}, soon())).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    await store.images.pull(name, { auth: { username: 'me', password: 'secret' } }, soon())
    expect(registry.requests.find(({ path }) => path.startsWith('/token'))?.path).toBe(
      '/token?scope=repository%3Ateam%2Fapp%3Apull&service=reg',
    )
  })

  it('fetches a blob once for pulls at the same time', async () => {
    const registry = await workshop.fakeRegistry()
    const names = [
      registry.publish('one', [hello]),
      registry.publish('one', [hello]),
      registry.publish('two', [hello, world]),
    ]
    const store = await workshop.store('a')
    await Promise.all(names.map(name => store.images.pull(name, {}, soon())))
    const fetched = registry.requests.filter(({ path }) => path.endsWith(registry.layerPath('', hello).slice(5)))
    expect(fetched).toHaveLength(1)
    expect(leftovers(workshop, 'a')['layers']).toHaveLength(2)
  })

  it('asks the next place when a mirror fails', async () => {
    const registry = await workshop.fakeRegistry()
    registry.publish('library/app', [world])
    const { createImageStore } = await import('../../../src/runtime/images/index.ts')
    const { systemRandom } = await import('../../../src/core/random.ts')
    const warnings: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => void warnings.push(text) }
    const store = await createImageStore(
      {
        dataRoot: workshop.path('m'),
        insecureRegistries: [],
        registryMirrors: ['http://127.0.0.1:1', `http://${registry.host}`],
      },
      { clock: new ManualClock(), random: systemRandom, log },
    )
    await store.images.pull('app:1', {}, soon())
    expect(warnings).toEqual(['mirror failed'])
    expect((await store.images.list({}))[0]?.RepoTags).toEqual(['app:1'])
  })
})
