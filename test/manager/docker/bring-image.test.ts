import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { notFound, unavailable } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { Engine, ImageInspect } from '../../../src/docker-api/index.ts'
import { bringImage } from '../../../src/manager/docker/images/bring-image.ts'
import type { BuiltImages } from '../../../src/manager/docker/images/built-images.ts'
import type { ClusterNodes, NodeEngine } from '../../../src/manager/docker/nodes.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'

const GOOD = `sha256:${'a'.repeat(64)}`
const EVIL = `sha256:${'e'.repeat(64)}`

interface TestEngine {
  readonly engine: Engine
  readonly images: Map<string, string>
}

/** `claims`: what it says the id is of what it saves as `gives`. */
function engineWith(
  have: Readonly<Record<string, string>>,
  { claims, tagged = '2020-01-01' }: { claims?: string; tagged?: string } = {},
): TestEngine {
  const images = new Map(Object.entries(have))
  const find = (name: string): string => {
    const id = images.get(name) ?? [...images.values()].find(each => each === name)
    if (id === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
    return id
  }
  const engine = stubEngine({
    images: {
      inspect: async name => {
        const Id = find(name)
        const RepoDigests = name.includes('@') && claims === undefined ? [`app@${Id}`] : []
        return { Id: claims ?? Id, RepoDigests, Metadata: { LastTagTime: tagged } } as unknown as ImageInspect
      },
      save: async ([name = '']) => Readable.from([`${name} ${claims === undefined ? find(name) : EVIL}`]),
      load: async archive => {
        const [name = '', id = ''] = (await text(archive)).split(' ')
        images.set(name, id)
        return [name]
      },
      remove: async name => {
        images.delete(name)
        return []
      },
    },
  })
  return { engine, images }
}

/** The registry has what it is said to have; absent: it does not answer. */
async function bring(
  reference: string,
  others: Readonly<Record<string, TestEngine>>,
  { registry = {}, built }: { registry?: Readonly<Record<string, string>>; built?: Pick<BuiltImages, 'idOf'> } = {},
): Promise<string | undefined> {
  const { engine, images } = engineWith({})
  const pull = async (name: string): Promise<string> => {
    const id = registry[name]
    if (id === undefined) throw unavailable('REGISTRY', 'the registry does not answer')
    images.set(name, id)
    return id
  }
  const target = { name: 'n0', engine: { ...engine, images: { ...imagesOf(engine), pull } } } as unknown as NodeEngine
  const ready = () => [target, ...Object.entries(others).map(([name, other]) => ({ name, engine: other.engine }))]
  const nodes = {
    ready,
    inventory: EMPTY_INVENTORY,
    clock: new ManualClock(),
    ...(built === undefined ? {} : { built }),
  }
  const signal = new AbortController().signal
  await bringImage(reference, target, { nodes: nodes as unknown as ClusterNodes, signal })
  return images.get(reference)
}

function imagesOf({ images }: Engine): Partial<Engine['images']> {
  const { inspect, save, load, remove } = images
  return { inspect, save, load, remove }
}

describe('an image that a node lacks', () => {
  const liar = () => engineWith({ 'app:1': EVIL }, { tagged: '2999-01-01' })

  it('comes from the registry, whatever a node says it tagged last', async () => {
    expect(await bring('app:1', { evil: liar() }, { registry: { 'app:1': GOOD } })).toBe(GOOD)
  })

  it('comes from a node when the registry does not have it', async () => {
    expect(await bring('app:1', { n1: engineWith({ 'app:1': GOOD }) })).toBe(GOOD)
  })

  it('that was built here comes from a node that has the very one', async () => {
    const built = { idOf: () => GOOD }
    const others = { evil: liar(), n1: engineWith({ 'app:1': GOOD }) }
    expect(await bring('app:1', others, { built, registry: { 'app:1': EVIL } })).toBe(GOOD)
  })

  it('that was built here is what the registry has only if that is the same', async () => {
    const built = { idOf: () => GOOD }
    expect(await bring('app:1', {}, { built, registry: { 'app:1': GOOD } })).toBe(GOOD)
    await expect(bring('app:1', {}, { built, registry: { 'app:1': EVIL } })).rejects.toThrow(
      `The image app:1 was built here as ${GOOD}, no node that is up has it, and the registry has another: build it again, or take the registry's with \`docker pull app:1\``,
    )
  })

  it.each([
    ['name', 'app:1', { idOf: () => GOOD }],
    ['id', GOOD, undefined],
    ['digest', `app@${GOOD}`, undefined],
  ])('by its %s is refused from a node that says one thing and gives another', async (_how, reference, built) => {
    const evil = engineWith({ [reference]: EVIL }, { claims: GOOD, tagged: '2999-01-01' })
    const given = built === undefined ? {} : { built }
    await expect(bring(reference, { evil }, given)).rejects.toThrow('the registry does not answer')
    const others = { evil, n1: engineWith({ [reference]: GOOD }) }
    expect(await bring(reference, others, given)).toBe(GOOD)
  })
})
