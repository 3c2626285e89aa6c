import { beforeEach, describe, expect, it } from 'vitest'
import { failed, notFound } from '../../../src/core/errors.ts'
import type { Engine, ImageInspect, ImageSummary } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, send, startFront } from './front-lab.ts'

const APP = `sha256:${'a'.repeat(64)}`
const BASE = `sha256:${'b'.repeat(64)}`
const LOST = `sha256:${'c'.repeat(64)}`

function image(Id: string, tags: readonly string[], more: Partial<ImageSummary> = {}): ImageSummary {
  const numbers = { Created: 100, Size: 1, SharedSize: -1, Containers: -1 }
  return { Id, ParentId: '', RepoTags: tags, RepoDigests: [], Labels: null, ...numbers, ...more }
}

/** How often which node was asked what. */
const asked: string[] = []
beforeEach(() => void asked.splice(0))

/** An engine with these images, which tells nobody of what becomes of them. */
function engineWith(node: string, images: ImageSummary[]): Engine {
  const find = (name: string): number => images.findIndex(({ Id, RepoTags }) => Id === name || RepoTags.includes(name))
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    images: {
      list: async ({ all = false, sharedSize = false }) => {
        asked.push(`${node} list${all ? ' all' : ''}${sharedSize ? ' shared' : ''}`)
        return images
      },
      inspect: async name => {
        asked.push(`${node} inspect`)
        const found = images[find(name)]
        if (found === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
        return found as unknown as ImageInspect
      },
      pull: async reference => {
        images.push(image(LOST, [reference]))
        return LOST
      },
      tag: async (name, target) => {
        const at = find(name)
        const found = images[at]
        if (found === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
        images[at] = { ...found, RepoTags: [...found.RepoTags, target] }
      },
      remove: async name => {
        const at = find(name)
        if (at < 0) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
        images.splice(at, 1)
        return [{ Deleted: name }]
      },
    },
  })
}

const shown = async (port: number, query = ''): Promise<string[]> => {
  const { body, status } = await get(port, `/v1.41/images/json${query}`)
  if (status !== 200) return [JSON.stringify(body)]
  return (body as ImageSummary[]).map(({ Id, RepoTags }) => `${Id.slice(7, 8)} ${RepoTags.join()}`)
}
const filtered = (filters: object): string => `?filters=${encodeURIComponent(JSON.stringify(filters))}`

async function startCluster(): Promise<number> {
  const base = image(BASE, ['base:1'], { Created: 50, Labels: { tier: 'back' } })
  await addNode('n1', engineWith('n1', [image(APP, ['app:1']), base]))
  await addNode(
    'n2',
    engineWith('n2', [image(APP, ['app:1', 'app:2']), image(LOST, ['<none>:<none>'], { Created: 70 })]),
  )
  return startFront()
}

describe('images of all nodes', () => {
  it('are listed once each with all their names, newest first, and no node is asked for it', async () => {
    const port = await startCluster()
    expect(await shown(port)).toEqual(['a app:1,app:2', 'c ', 'b base:1'])
    asked.splice(0)
    await shown(port)
    expect(asked).toEqual([])
  })

  it.each([
    [{ node: ['n1'] }, ['a app:1', 'b base:1']],
    [{ node: ['n9'] }, []],
    [{ reference: ['app:2'] }, ['a app:2']],
    [{ label: ['tier=back'] }, ['b base:1']],
    [{ dangling: ['true'] }, ['c ']],
    [{ before: ['app:1'] }, ['c ', 'b base:1']],
    [{ since: ['base:1'] }, ['a app:1,app:2', 'c ']],
    [{ since: [BASE.slice(7, 19)], node: ['n2'] }, ['a app:1,app:2', 'c ']],
    [{ before: ['none'] }, ['{"message":"No such image: none","code":"NO_SUCH_IMAGE"}']],
    [{ colour: ['red'] }, [`{"message":"invalid filter 'colour'","code":"BAD_FILTER"}`]],
  ])('are filtered: %j', async (filters, lines) => {
    expect(await shown(await startCluster(), filtered(filters))).toEqual(lines)
  })

  it('are filtered as clients of old ask for it', async () => {
    const port = await startCluster()
    const { body } = await get(port, '/v1.27/images/json?filter=base')
    expect(body).toMatchObject([{ Id: BASE }])
    expect(await shown(port, '?filter=base')).toHaveLength(3)
  })

  it('are asked for where only nodes can tell: steps of builds, and what images share', async () => {
    const port = await startCluster()
    expect(await shown(port, `${filtered({ node: ['n1'] })}&all=1`)).toEqual(['a app:1', 'b base:1'])
    await shown(port, '?shared-size=1')
    expect(asked.filter(text => !text.endsWith('list')).toSorted()).toEqual([
      'n1 list all',
      'n1 list shared',
      'n2 list shared',
    ])
  })

  it('are shown as they are after what was done through the manager, whatever nodes tell', async () => {
    const port = await startCluster()
    await shown(port)
    await fetch(`http://127.0.0.1:${port}/images/create?fromImage=new&tag=1`, { method: 'POST' }).then(it => it.text())
    expect(await shown(port)).toEqual(['a app:1,app:2', 'c new:1', 'b base:1'])
    expect((await send(port, 'POST', '/images/base:1/tag?repo=other&tag=9')).status).toBe(201)
    expect(await shown(port, filtered({ reference: ['other'] }))).toEqual(['b other:9'])
    expect((await send(port, 'DELETE', '/images/app:1')).status).toBe(200)
    expect(await shown(port)).toEqual(['c new:1', 'b base:1,other:9'])
  })

  it('are asked for by name of the nodes that have it', async () => {
    const port = await startCluster()
    await shown(port)
    asked.splice(0)
    expect((await get(port, '/images/base:1/json')).body).toMatchObject({ Id: BASE })
    expect(asked.filter(text => text.endsWith('inspect')).every(text => text.startsWith('n1'))).toBe(true)
  })

  it('of a node that does not list them are missing, and hold up nobody', async () => {
    await addNode('n1', engineWith('n1', [image(APP, ['app:1'])]))
    const mute = engineWith('n2', [])
    const images = { ...mute.images, list: async () => Promise.reject(failed('BUSY', 'busy')) }
    await addNode('n2', { ...mute, images })
    const port = await startFront()
    expect(await shown(port)).toEqual(['a app:1'])
  })

  it('are counted by docker info where they have a name', async () => {
    const port = await startCluster()
    expect((await get(port, '/info')).body).toMatchObject({ Images: 3 })
  })
})
