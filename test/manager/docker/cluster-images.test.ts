import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { failed, notFound } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { Engine, ImageInspect } from '../../../src/docker-api/index.ts'
import { TeeBody } from '../../../src/manager/docker/images/tee-body.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, send, startFront } from './front-lab.ts'

const NEW = `sha256:${'a'.repeat(64)}`
const calls: string[] = []
beforeEach(() => void calls.splice(0))

/** An engine with images by name; it loads what it gets, and builds one of the id NEW. */
function engineWith(node: string, names: readonly string[], broken = false): Engine {
  const images = new Map(names.map(name => [name, `sha256:${'0'.repeat(64)}`]))
  const find = (name: string): ImageInspect => {
    const Id = images.get(name)
    if (Id === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
    return { Id, RepoTags: [name] } as unknown as ImageInspect
  }
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    images: {
      list: async () =>
        [...images].map(([name, Id]) => ({ Id, RepoTags: [name], RepoDigests: [], Created: 1 })) as never,
      inspect: async name => find(name),
      history: async name => [{ Id: find(name).Id, CreatedBy: node }] as never,
      save: async references => {
        for (const name of references) find(name)
        return Readable.from([references.join(' ')])
      },
      load: async archive => {
        const loaded = await text(archive)
        calls.push(`${node} load ${loaded}`)
        if (broken) throw failed('DISK', 'no room')
        for (const name of loaded.split(' ')) images.set(name, NEW)
        return loaded.split(' ')
      },
      import: async (source, { name = '', changes = [] }) => {
        calls.push(`${node} import ${source instanceof URL ? source.href : await text(source)} ${changes.join()}`)
        images.set(name, NEW)
        return NEW
      },
      push: async name => void calls.push(`${node} push ${name}`),
      search: async term => [{ name: `${term} of ${node}` }] as never,
      login: async ({ username }) => ({ Status: `${username} on ${node}` }) as never,
      distribution: async reference => ({ Descriptor: { digest: reference } }) as never,
      build: async (context, { tags, buildArgs }, onProgress) => {
        calls.push(`${node} build ${await text(context)} ${JSON.stringify(buildArgs)}`)
        if (tags.includes('bad')) throw failed('BUILD', 'step 1 failed')
        for (const tag of tags) images.set(tag, NEW)
        onProgress({ stream: 'Step 1/1\n' })
        onProgress({ aux: { ID: NEW } })
        return NEW
      },
    },
  })
}

async function post(port: number, path: string, body: string): Promise<object[]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-tar' },
  })
  if (response.status !== 200) throw new Error(await response.text())
  const lines = (await response.text()).split('\n').filter(line => line.trim() !== '')
  return lines.map(line => JSON.parse(line) as object)
}

describe('images of the cluster', () => {
  it('are loaded on every node, and told once', async () => {
    await addNode('n1', engineWith('n1', []))
    await addNode('n2', engineWith('n2', []))
    const port = await startFront()
    expect(await post(port, '/v1.41/images/load', 'app:1 app:2')).toEqual([
      { stream: 'Loaded image: app:1\n' },
      { stream: 'Loaded image: app:2\n' },
    ])
    expect(calls.toSorted()).toEqual(['n1 load app:1 app:2', 'n2 load app:1 app:2'])
  })

  it('that cannot be loaded on a node are loaded on the others, and the failure is told', async () => {
    await addNode('n1', engineWith('n1', [], true))
    await addNode('n2', engineWith('n2', []))
    expect(await post(await startFront(), '/images/load', 'app:1')).toEqual([
      { stream: 'Loaded image: app:1\n' },
      { error: 'n1: no room', errorDetail: { message: 'n1: no room' } },
    ])
  })

  it('are saved by a node that has all of them', async () => {
    await addNode('n1', engineWith('n1', ['a:1']))
    await addNode('n2', engineWith('n2', ['a:1', 'b:1']))
    const port = await startFront()
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    expect(await (await get('/images/get?names=a:1&names=b:1')).text()).toBe('a:1 b:1')
    expect(await send(port, 'GET', '/images/get?names=a:1&names=c:1')).toMatchObject({
      status: 404,
      body: { message: 'Unable to find a healthy engine containing all images: [a:1 c:1]' },
    })
    expect((await send(port, 'GET', '/images/b:1/history')).body).toMatchObject([{ CreatedBy: 'n2' }])
  })

  it('are pushed by a node that has the tag, which clients send beside the name', async () => {
    await addNode('n1', engineWith('n1', ['reg.test:5000/app:latest']))
    await addNode('n2', engineWith('n2', ['reg.test:5000/app:2']))
    const port = await startFront()
    const push = (query: string) => post(port, `/v1.41/images/reg.test:5000/app/push${query}`, '')
    await push('?tag=2')
    await expect(push('?tag=3')).rejects.toThrow('No such image: reg.test:5000/app:3')
    expect(calls).toEqual(['n2 push reg.test:5000/app:2'])
  })

  it('are pushed with all their tags by whoever has them', async () => {
    await addNode('n1', engineWith('n1', ['reg.test:5000/app:1', 'reg.test:5000/app:2', 'reg.test:5000/apple:1']))
    await addNode('n2', engineWith('n2', ['reg.test:5000/app:3', 'alone:1', 'alone:2']))
    const port = await startFront()
    const push = (name: string) => post(port, `/v1.41/images/${name}/push`, '')
    await push('reg.test:5000/app')
    expect(calls).toEqual(['n1 push reg.test:5000/app:1', 'n1 push reg.test:5000/app:2', 'n2 push reg.test:5000/app:3'])
    await push('alone')
    expect(calls.slice(3)).toEqual(['n2 push alone'])
    await expect(push('none')).rejects.toThrow('An image does not exist locally with the tag: none')
  })

  it('are looked for in registries by any node', async () => {
    await addNode('n1', engineWith('n1', []))
    const port = await startFront()
    expect((await send(port, 'GET', '/images/search?term=web')).body).toMatchObject([{ name: 'web of n1' }])
    expect((await send(port, 'POST', '/auth', { username: 'me', serveraddress: 'r' })).body).toMatchObject({
      Status: 'me on n1',
    })
    expect((await send(port, 'GET', '/distribution/reg.test/app:1/json')).body).toMatchObject({
      Descriptor: { digest: 'reg.test/app:1' },
    })
    expect((await send(port, 'GET', '/images/viz')).status).toBe(501)
  })

  it('are imported once, and copied to another node', async () => {
    await addNode('n1', engineWith('n1', []))
    await addNode('n2', engineWith('n2', []))
    const answer = await post(await startFront(), '/images/create?fromSrc=-&repo=base&tag=1&changes=CMD+ls', 'files')
    expect(answer.at(-1)).toEqual({ status: NEW })
    expect(calls).toEqual(['n1 import files CMD ls', 'n2 load base:1'])
  })
})

describe('a build', () => {
  it('goes where its arguments say, and its image to another node and wherever its name means an older one', async () => {
    for (const node of ['n1', 'n2', 'n4']) await addNode(node, engineWith(node, []))
    await addNode('n3', engineWith('n3', ['app:1']))
    const port = await startFront()
    const build = (args: object) =>
      post(port, `/v1.41/build?t=app:1&buildargs=${encodeURIComponent(JSON.stringify(args))}`, 'context')
    // As docker's client takes `--build-arg constraint:node==n2` apart.
    const told = await build({ 'constraint:node': '=n2', A: '1' })
    expect(calls).toEqual(['n2 build context {"A":"1"}', 'n3 load app:1'])
    // Scripts read what is told: nothing of copies that went well.
    expect(told).toMatchObject([{ stream: 'Step 1/1\n' }, { aux: { ID: NEW } }])
    await build({ 'constraint:node': '=n4' })
    expect(calls.slice(2)).toEqual(['n4 build context {}', 'n1 load app:1'])
  })

  it('of one name goes to one node, where its earlier steps are', async () => {
    for (const node of ['n1', 'n2', 'n3', 'n4']) await addNode(node, engineWith(node, []))
    const port = await startFront()
    for (const _time of [1, 2, 3]) await post(port, '/build?t=same&q=1', 'context')
    expect(new Set(calls.filter(call => call.includes('build'))).size).toBe(1)
  })

  it('that fails says so, and nothing is copied', async () => {
    await addNode('n1', engineWith('n1', []))
    await addNode('n2', engineWith('n2', []))
    const port = await startFront()
    await expect(post(port, '/build?t=bad', 'context')).rejects.toThrow('step 1 failed')
    expect(calls).toHaveLength(1)
    const nowhere = encodeURIComponent(JSON.stringify({ 'constraint:node': '=n9' }))
    expect(await send(port, 'POST', `/build?buildargs=${nowhere}`)).toMatchObject({
      status: 500,
      body: { message: expect.stringContaining('[node==n9]') as string },
    })
    expect(await send(port, 'POST', '/build?version=2')).toMatchObject({ status: 501 })
    expect(await send(port, 'POST', '/session')).toMatchObject({ status: 501 })
  })
})

describe('a body for several readers', () => {
  it('goes on without one that stops to read', async () => {
    const tee = new TeeBody(2, new ManualClock(0))
    const source = new PassThrough()
    const pumping = tee.pump(source)
    const [first, second] = tee.branches
    const read = buffer(first ?? new PassThrough())
    const piece = Buffer.alloc(64 * 1024, 1)
    for (let index = 0; index < 8; index++) source.write(piece)
    source.end()
    second?.destroy()
    await pumping
    expect((await read).length).toBe(8 * piece.length)
  })

  it('breaks for all when it breaks off', async () => {
    const tee = new TeeBody(1, new ManualClock(0))
    const source = new PassThrough()
    const pumping = tee.pump(source)
    const read = text(tee.branches[0] ?? new PassThrough())
    source.write('half')
    source.destroy(new Error('the client is gone'))
    await expect(pumping).rejects.toThrow('the client is gone')
    await expect(read).rejects.toThrow('the client is gone')
  })
})
