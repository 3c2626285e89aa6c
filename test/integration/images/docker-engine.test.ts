import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { type Daemon, startDockerd } from '../../support/dockerd.ts'
import { entry, isRoot, skopeo, soon, tar, Workshop } from './support.ts'

const layers = [
  tar(entry('etc/', { type: 'directory' }), entry('etc/one', { content: 'one'.repeat(10_000) })),
  tar(entry('etc/two', { content: 'two' }), entry('etc/link', { type: 'symlink', linkName: 'two' })),
  tar(entry('etc/.wh.one'), entry('etc/three', { content: 'three' })),
]

/** Images go from the stock Docker Engine to ours and back, as archives and through a registry. */
describe.skipIf(!isRoot)('with the stock Docker Engine', () => {
  let workshop: Workshop
  let daemon: Daemon
  let docker: DockerClient
  let host: string
  let store: ImageStore
  let count = 0
  beforeAll(async () => {
    workshop = new Workshop()
    host = await workshop.registry()
    daemon = await startDockerd()
    docker = createDockerClient(daemon.host, { clock: systemClock })
  })
  afterAll(async () => {
    docker.close()
    await daemon.stop()
    await workshop[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    store = await workshop.store(`store-${count++}`)
  })

  async function made(to: ImageStore, name: string, upTo = layers.length): Promise<string> {
    const registry = await workshop.fakeRegistry()
    const config = {
      created: '2026-01-02T03:04:05.123456789Z',
      author: 'somebody',
      config: { Cmd: ['sh'], Env: ['A=1'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, WorkingDir: '/etc' },
      history: layers
        .slice(0, upTo)
        .map((_, index) => ({ created: '2026-01-02T03:04:05Z', created_by: `step ${index}` })),
    }
    const id = await to.images.pull(registry.publish('made', layers.slice(0, upTo), { config }), {}, soon())
    await to.images.tag(id, name)
    return id
  }

  /** What both engines must say of one image. */
  async function seenBy(engine: Pick<ImageStore, 'images'> | DockerClient, name: string) {
    const { Id, Created, Author, Architecture, Os, Size, RootFS, Config } = await engine.images.inspect(name)
    const { Cmd, Env, Labels, WorkingDir, ExposedPorts } = Config
    const history = (await engine.images.history(name)).map(({ CreatedBy, Size: size, Created: at }) => [
      CreatedBy,
      size,
      at,
    ])
    return { Id, Created, Author, Architecture, Os, Size, RootFS, Cmd, Env, Labels, WorkingDir, ExposedPorts, history }
  }

  it('is understood by it: several images in one archive, with layers they share', async () => {
    const ids = [await made(store, 'team/whole:1'), await made(store, 'team/part:1', 2)]
    const archive = await buffer(await store.images.save(['team/whole:1', 'team/part:1']))
    const loaded = await docker.images.load(Readable.from([archive]), soon())
    expect(loaded.toSorted()).toEqual(['team/part:1', 'team/whole:1'])
    for (const [index, name] of ['team/whole:1', 'team/part:1'].entries()) {
      const seen = await seenBy(docker, name)
      expect(seen.Id).toBe(ids[index])
      expect(await seenBy(store, name)).toEqual(seen)
    }
  })

  it('understands what it saves: several images, some without a name', async () => {
    const maker = await workshop.store(`store-${count++}`)
    const ids = [await made(maker, 'from/docker:1'), await made(maker, 'from/part:1', 2)]
    await docker.images.load(await maker.images.save(['from/docker:1', 'from/part:1']), soon())
    const archive = await buffer(await docker.images.save(['from/docker:1', ids[1] ?? '']))
    const loaded = await store.images.load(Readable.from([archive]), soon())
    expect(new Set(loaded)).toEqual(new Set(['from/docker:1', ids[1]]))
    expect(await seenBy(store, 'from/docker:1')).toEqual(await seenBy(docker, 'from/docker:1'))
    expect((await store.images.inspect(ids[1] ?? '')).RepoTags).toEqual([])
  })

  it('pulls what it pushed, and the other way round, with the same ids and digests', async () => {
    const id = await made(store, `${host}/ours:1`)
    await store.images.push(`${host}/ours:1`, {}, soon())
    expect(await docker.images.pull(`${host}/ours:1`, {}, soon())).toBe(id)
    await docker.images.tag(id, `${host}/theirs:1`)
    await docker.images.push(`${host}/theirs:1`, {}, soon())
    const other = await workshop.store(`store-${count++}`)
    expect(await other.images.pull(`${host}/theirs:1`, {}, soon())).toBe(id)
    const remote = await other.images.distribution(`${host}/theirs:1`, {}, soon())
    expect(remote).toEqual(await docker.images.distribution(`${host}/theirs:1`, {}, soon()))
    expect((await other.images.inspect(id)).RepoDigests).toEqual([`${host}/theirs@${remote.Descriptor.digest}`])
  })

  it('says the same of a pull, line by line', async () => {
    await made(store, `${host}/lines:1`)
    await store.images.push(`${host}/lines:1`, {}, soon())
    const other = await workshop.store(`store-${count++}`)
    for (const { Id } of await docker.images.list({})) await docker.images.remove(Id, { force: true })
    const linesOf = async (engine: Pick<ImageStore, 'images'> | DockerClient): Promise<readonly string[]> => {
      const lines = new Set<string>()
      const note = ({ status = '', id = '' }): void => void lines.add(`${id} ${status}`)
      await engine.images.pull(`${host}/lines:1`, { onProgress: note }, soon())
      // Which layer is when at which point differs from pull to pull, and small ones have nothing to verify.
      return [...lines].filter(line => !/Downloading|Verifying|Waiting/.test(line)).toSorted()
    }
    expect(await linesOf(other)).toEqual(await linesOf(docker))
    expect(await linesOf(other)).toEqual(await linesOf(docker))
  })

  it('removes and prunes the same, in the same words', async () => {
    const steps = async (engine: Pick<ImageStore, 'images'> | DockerClient): Promise<readonly unknown[]> => {
      const attempt = async (work: () => Promise<unknown>): Promise<unknown> =>
        work().catch((error: Error) => error.message)
      await engine.images.tag('steps/part:1', 'steps/other:2')
      const { Id } = await engine.images.inspect('steps/part:1')
      return [
        await attempt(() => engine.images.remove(Id, {})),
        await attempt(() => engine.images.remove('steps/other:2', {})),
        await attempt(() => engine.images.remove('steps/none:2', {})),
        await attempt(() => engine.images.remove('steps/part:1', {})),
        await attempt(() => engine.images.prune({ filters: { label: ['nothing'] } })),
        await attempt(() => engine.images.prune({ filters: { dangling: ['false'], 'label!': ['a'] } })),
        await attempt(() => engine.images.prune({ filters: { dangling: ['false'], label: ['a=b'] } })),
      ]
    }
    const maker = await workshop.store(`store-${count++}`)
    await made(maker, 'steps/whole:1')
    await made(maker, 'steps/part:1', 2)
    for (const { Id } of await docker.images.list({})) await docker.images.remove(Id, { force: true })
    const names = ['steps/whole:1', 'steps/part:1']
    for (const engine of [store, docker]) await engine.images.load(await maker.images.save(names), soon())
    expect(await steps(store)).toEqual(await steps(docker))
  })

  it('exchanges images with skopeo in every form', async () => {
    const id = await made(store, `${host}/skopeo:1`)
    await store.images.push(`${host}/skopeo:1`, {}, soon())
    for (const form of ['docker-archive', 'oci-archive']) {
      const path = workshop.path(`skopeo-${form}.tar`)
      skopeo('copy', '-q', '--src-tls-verify=false', `docker://${host}/skopeo:1`, `${form}:${path}:form/${form}:1`)
      const other = await workshop.store(`store-${count++}`)
      expect(await other.images.load(createReadStream(path), soon())).toEqual([`form/${form}:1`])
      const { RootFS, Config } = await other.images.inspect(`form/${form}:1`)
      const { RootFS: wanted, Config: wantedConfig } = await store.images.inspect(id)
      expect([RootFS, Config.Labels]).toEqual([wanted, wantedConfig.Labels])
    }
  })
})
