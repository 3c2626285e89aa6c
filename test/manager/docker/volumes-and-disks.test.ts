import { describe, expect, it } from 'vitest'
import { conflict, notFound, unavailable } from '../../../src/core/errors.ts'
import type { VolumeInspect } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, send, startFront } from './front-lab.ts'

const volume = (Name: string, Scope = 'local'): VolumeInspect => ({ Name, Scope, Driver: 'local' }) as VolumeInspect

interface Quirks {
  readonly calls?: string[]
  readonly broken?: boolean
}

function engineWith(node: string, names: readonly string[], { calls = [], broken = false }: Quirks = {}) {
  const refuse = (): void => {
    if (broken) throw unavailable('DISK', 'the disk is gone')
  }
  const find = (name: string): VolumeInspect => {
    if (!names.includes(name)) throw notFound('NO_SUCH_VOLUME', `get ${name}: no such volume`)
    return volume(name)
  }
  return stubEngine({
    containers: {
      list: async () => [{ Id: `${node}-c`, Names: [`/${node}-box`], ImageID: 'i', Created: 1, SizeRw: 5 }] as never,
      prune: async ({ filters }) => {
        refuse()
        calls.push(`${node} prune ${JSON.stringify(filters)}`)
        return { ContainersDeleted: [`${node}-c`], SpaceReclaimed: 10 }
      },
    },
    images: {
      list: async () => [{ Id: 'i', Size: 100, SharedSize: -1, Created: 1, RepoTags: ['a:1'] }] as never,
      prune: async () => ({ ImagesDeleted: [{ Deleted: `${node}-i` }], SpaceReclaimed: 1 }),
    },
    volumes: {
      list: async ({ filters }) =>
        names.filter(name => (filters?.['name'] ?? ['']).some(part => name.includes(part))).map(name => volume(name)),
      inspect: async name => find(name),
      create: async ({ Name = '' }) => {
        refuse()
        calls.push(`${node} create ${Name}`)
        return volume(Name)
      },
      remove: async (name, { force }) => {
        find(name)
        if (name === 'busy') throw conflict('IN_USE', 'remove busy: volume is in use')
        calls.push(`${node} remove ${name} ${force}`)
      },
      prune: async () => ({ VolumesDeleted: [...names], SpaceReclaimed: 2 }),
    },
  })
}

async function cluster(quirks: Quirks = {}): Promise<{ port: number; calls: string[] }> {
  const calls: string[] = []
  await addNode('n1', engineWith('n1', ['data', 'busy'], { calls }))
  await addNode('n2', engineWith('n2', ['data', 'logs'], { calls, ...quirks }))
  return { port: await startFront(), calls }
}

describe('volumes of the cluster', () => {
  it('are listed and inspected with the node that has them', async () => {
    const { port } = await cluster()
    const list = async (filters: object) => {
      const { body } = await get(port, `/volumes?filters=${encodeURIComponent(JSON.stringify(filters))}`)
      return (body as { Volumes: VolumeInspect[] }).Volumes.map(({ Name }) => Name)
    }
    expect(await list({})).toEqual(['n1/busy', 'n1/data', 'n2/data', 'n2/logs'])
    expect(await list({ node: ['n2'], name: ['n2/da'] })).toEqual(['n2/data'])
    for (const reference of ['logs', 'n2/logs']) {
      expect((await get(port, `/volumes/${reference}`)).body).toMatchObject({ Name: 'n2/logs', Node: { Name: 'n2' } })
    }
    expect(await get(port, '/volumes/data')).toMatchObject({
      status: 404,
      body: { message: expect.stringContaining('n1/data or n2/data') as string },
    })
    expect((await get(port, '/volumes/n1/logs')).status).toBe(404)
  })

  it('are made on every node, or on the one that is named', async () => {
    const { port, calls } = await cluster()
    expect((await send(port, 'POST', '/volumes/create', { Name: 'new' })).body).toMatchObject({ Name: 'new' })
    expect((await send(port, 'POST', '/volumes/create', { Name: 'n2/own' })).body).toMatchObject({ Name: 'n2/own' })
    expect(calls).toEqual(['n1 create new', 'n2 create new', 'n2 create own'])
    const { body } = await send(port, 'POST', '/volumes/create', {})
    const { Name } = body as VolumeInspect
    expect(Name).toMatch(/^[0-9a-f]{64}$/)
    expect(calls.slice(3)).toEqual([`n1 create ${Name}`, `n2 create ${Name}`])
  })

  it('say on which nodes they could not be made, and on which they were', async () => {
    const { port } = await cluster({ broken: true })
    expect(await send(port, 'POST', '/volumes/create', { Name: 'new' })).toMatchObject({
      status: 503,
      body: { message: 'n2: the disk is gone\nIt was made on n1' },
    })
  })

  it('are removed from every node that has them', async () => {
    const { port, calls } = await cluster()
    expect((await send(port, 'DELETE', '/volumes/data?force=1')).status).toBe(204)
    expect((await send(port, 'DELETE', '/volumes/n2/logs')).status).toBe(204)
    expect(calls).toEqual(['n1 remove data true', 'n2 remove data true', 'n2 remove logs false'])
    expect((await send(port, 'DELETE', '/volumes/busy')).body).toMatchObject({
      message: 'n1: remove busy: volume is in use',
    })
    expect((await send(port, 'DELETE', '/volumes/none')).status).toBe(404)
  })
})

describe('disks of the cluster', () => {
  it('are summed up over the nodes', async () => {
    const { port } = await cluster()
    const { body } = await get(port, '/v1.43/system/df?type=container&type=image')
    expect(body).toMatchObject({ Containers: [{ Names: ['/n1/n1-box'] }, { Names: ['/n2/n2-box'] }] })
    expect((body as { Images: object[] }).Images).toHaveLength(2)
    expect(body).not.toHaveProperty('Volumes')
    expect((await get(port, '/system/df?type=shoe')).status).toBe(400)
  })

  it('are cleared on every node, or on the one that is named', async () => {
    const { port, calls } = await cluster()
    expect((await send(port, 'POST', '/containers/prune')).body).toEqual({
      ContainersDeleted: ['n1-c', 'n2-c'],
      SpaceReclaimed: 20,
    })
    const filters = encodeURIComponent(JSON.stringify({ node: ['n2'], until: ['1h'] }))
    await send(port, 'POST', `/containers/prune?filters=${filters}`)
    expect(calls.at(-1)).toBe('n2 prune {"until":["1h"]}')
    expect((await send(port, 'POST', '/images/prune')).body).toMatchObject({ SpaceReclaimed: 2 })
    expect((await send(port, 'POST', '/v1.43/volumes/prune')).body).toMatchObject({
      VolumesDeleted: ['n1/data', 'n1/busy', 'n2/data', 'n2/logs'],
    })
    expect((await send(port, 'POST', '/containers/prune?filters={"node":["n9"]}')).status).toBe(400)
  })

  it('say which node could not be cleared, and what was done on the others', async () => {
    const { port } = await cluster({ broken: true })
    expect(await send(port, 'POST', '/containers/prune')).toMatchObject({
      status: 503,
      body: { message: 'n2: the disk is gone\nIt is done on n1 (1 removed)' },
    })
  })
})
