import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { createMemoryStore, type MemoryStore } from '../../../src/discovery/index.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { BuiltImages } from '../../../src/manager/docker/images/built-images.ts'
import { forgetLostImages, lostImages } from '../../../src/manager/docker/images/forget-lost-images.ts'
import type { NodeInventory } from '../../../src/manager/inventory/index.ts'
import { EMPTY_SNAPSHOT } from '../../../src/manager/model/snapshot.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'
import { keys } from '../support.ts'
import { addNode, lab, send, startFront } from './front-lab.ts'

const BUILT = `sha256:${'a'.repeat(64)}`
const PUBLIC = `sha256:${'b'.repeat(64)}`

let clock: ManualClock
let store: MemoryStore
let opened: BuiltImages[]
beforeEach(() => {
  clock = new ManualClock()
  store = createMemoryStore({ clock })
  opened = []
})
afterEach(() => {
  for (const built of opened) built.close()
})

/** What a manager knows that starts now. */
async function start(max?: number): Promise<BuiltImages> {
  const built = new BuiltImages({ store, keys, clock, log: silentLog }, max)
  opened.push(built)
  await settle()
  return built
}

describe('names of images that were built', () => {
  it('are known to the manager at once, to others, and to one that starts later', async () => {
    const [first, second] = [await start(), await start()]
    const adding = first.add(['app', 'registry.test:5000/team/app:2'], BUILT)
    expect(first.idOf('docker.io/library/app:latest')).toBe(BUILT)
    await adding
    await settle()
    for (const built of [first, second, await start()]) {
      expect([built.idOf('app:latest'), built.idOf('registry.test:5000/team/app:2')]).toEqual([BUILT, BUILT])
      expect([built.idOf('app:2'), built.idOf(`app@${BUILT}`)]).toEqual([undefined, undefined])
    }
  })

  it('mean what a registry has after they were forgotten by any manager', async () => {
    const [first, second] = [await start(), await start()]
    await first.add(['app:1'], BUILT)
    await settle()
    await second.forget('app:1')
    await settle()
    expect([first.idOf('app:1'), second.idOf('app:1')]).toEqual([undefined, undefined])
    expect((await store.list(keys.builds)).items).toEqual([])
  })

  it('mean what was built last, on whichever manager', async () => {
    const [first, second] = [await start(), await start()]
    await first.add(['app:1'], PUBLIC)
    await second.add(['app:1'], BUILT)
    await settle()
    expect([first.idOf('app:1'), second.idOf('app:1')]).toEqual([BUILT, BUILT])
  })

  it('are not kept without end: the oldest go', async () => {
    const built = await start(3)
    for (const name of ['a:1', 'b:1', 'c:1', 'a:1', 'd:1']) {
      await built.add([name], BUILT)
      await settle()
    }
    expect(['a:1', 'b:1', 'c:1', 'd:1'].map(name => built.idOf(name) !== undefined)).toEqual([true, false, true, true])
  })

  it('hold as long as the manager runs though the store does not take them', async () => {
    const failing = { ...store, txn: () => Promise.reject(new Error('no leader')) }
    const built = new BuiltImages({ store: failing, keys, clock, log: silentLog })
    opened.push(built)
    await built.add(['app:1'], BUILT)
    await settle()
    expect(built.idOf('app:1')).toBe(BUILT)
  })
})

describe('a built image that no node has', () => {
  const node = (more: Partial<NodeInventory>) =>
    ({ condition: 'live', imagesAreKnown: true, images: [], ...more }) as unknown as NodeInventory
  const withNodes = (...names: readonly string[]) => ({
    ...EMPTY_SNAPSHOT,
    nodes: new Map(names.map(name => [name, {} as never])),
  })
  const record = { value: { name: 'app:1', id: BUILT } }

  it.each([
    ['is lost', [node({}), node({})], 1],
    ['is not lost: one has it', [node({}), node({ images: [{ Id: BUILT } as never] })], 0],
    ['may be on one that is down', [node({}), node({ condition: 'down' })], 0],
    ['may be on one that was never seen', [node({}), undefined], 0],
    ['may be on one that does not list its images', [node({}), node({ imagesAreKnown: false })], 0],
  ])('%s', (_what, [a, b], lost) => {
    const inventory = { node: (name: string) => (name === 'a' ? a : b) }
    expect(lostImages([record], withNodes('a', 'b'), inventory)).toHaveLength(lost)
  })

  it('is forgotten once it was missing twice', async () => {
    const built = await start()
    await built.add(['app:1', 'kept:1'], BUILT)
    await settle()
    const images: { Id: string }[] = []
    const inventory = { ...EMPTY_INVENTORY, node: () => node({ images: images as never }) }
    const end = new AbortController()
    const write = async ({ compares, operations }: Parameters<Parameters<typeof forgetLostImages>[0]['write']>[0]) =>
      (await store.txn(compares, operations)).succeeded
    const work = forgetLostImages(
      { signal: end.signal, write },
      { built, inventory, snapshot: () => withNodes('a'), clock, log: silentLog },
    )
    await clock.advance(60_000)
    expect(built.idOf('app:1')).toBe(BUILT)
    // Tagged anew meanwhile: that one is looked at from the beginning.
    await built.add(['kept:1'], BUILT)
    await clock.advance(60_000)
    expect([built.idOf('app:1'), built.idOf('kept:1')]).toEqual([undefined, BUILT])
    images.push({ Id: BUILT })
    await clock.advance(120_000)
    expect(built.idOf('kept:1')).toBe(BUILT)
    end.abort()
    await work
  })
})

/** A node that builds BUILT under any name; registries have PUBLIC under any name. */
function builder(made: string[]): Engine {
  const images = new Map<string, string>()
  const find = (name: string): string => {
    const id = images.get(name)
    if (id === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
    return id
  }
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    containers: {
      create: async ({ Image = '' }) => {
        made.push(find(Image))
        return { Id: 'c'.repeat(64), Warnings: [] }
      },
    },
    images: {
      inspect: async name => ({ Id: find(name), RepoTags: [name] }) as never,
      save: async ([name = '']) => Readable.from([`${name} ${find(name)}`]),
      load: async archive => {
        const [name = '', id = ''] = (await text(archive)).split(' ')
        images.set(name, id)
        return [name]
      },
      pull: async name => {
        images.set(name, PUBLIC)
        return PUBLIC
      },
      build: async (context, { tags }, onProgress) => {
        context.resume()
        for (const tag of tags) images.set(tag, BUILT)
        onProgress({ aux: { ID: BUILT } })
        return BUILT
      },
    },
  })
}

it('a public image of the same name does not win after a restart of the manager', async () => {
  const made: string[] = []
  for (const name of ['n1', 'n2', 'n3']) await addNode(name, builder(made))
  const args = encodeURIComponent(JSON.stringify({ 'constraint:node': '=n1' }))
  const before = await startFront()
  const building = await fetch(`http://127.0.0.1:${before}/build?t=app:1&buildargs=${args}`, {
    method: 'POST',
    body: 'context',
    headers: { 'content-type': 'application/x-tar' },
  })
  expect(await building.text()).not.toContain('n2')
  const after = await startFront()
  const create = (Image: string) =>
    send(after, 'POST', '/containers/create', { Image, Env: ['constraint:node==n3'] }).then(({ status }) => status)
  expect([await create('app:1'), await create('other:1')]).toEqual([201, 201])
  expect(made).toEqual([BUILT, PUBLIC])
  expect((await lab.store.list(keys.builds)).items.map(({ value }) => JSON.parse(value) as unknown)).toEqual([
    { name: 'app:1', id: BUILT },
  ])
})
