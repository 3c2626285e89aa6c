import { describe, expect, it } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import type { ContainerInspect, NetworkCreateRequest, NetworkInspect } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, lab, send, startFront } from './front-lab.ts'

const network = (Name: string, more: Partial<NetworkInspect> = {}): NetworkInspect =>
  ({ Name, Id: `${Name}-id`, Scope: 'local', Driver: 'bridge', Containers: {}, Labels: {}, ...more }) as NetworkInspect

/** An engine with networks, that notes what it is asked to do. */
function engineWith(name: string, networks: NetworkInspect[], calls: string[], containers: readonly string[] = []) {
  const find = (id: string): NetworkInspect => {
    const found = networks.find(each => each.Name === id || each.Id === id)
    if (found === undefined) throw notFound('NO_SUCH_NETWORK', `network ${id} not found`)
    return found
  }
  return stubEngine({
    info: async () => ({ Containers: containers.length }) as never,
    containers: {
      list: async () =>
        containers.map(id => ({ Id: id.padEnd(64, '0'), Names: [`/${id}`], Created: 1, State: 'running' })) as never,
      create: async ({ HostConfig, NetworkingConfig, Labels }) => {
        const endpoints = Object.keys(NetworkingConfig?.EndpointsConfig ?? {}).join()
        // The nodes that a container is kept to are kept with it, wherever it is made anew.
        const nodes = Labels?.['com.docker.swarm.whitelists'] ?? ''
        calls.push(`${name} container on ${HostConfig?.NetworkMode} of ${endpoints}${nodes}`)
        return { Id: 'c'.repeat(64), Warnings: [] }
      },
      inspect: async id => {
        const name = containers.find(each => each === id || each.padEnd(64, '0') === id)
        if (name === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        const State = { Running: true, Status: 'running' }
        return { Id: name.padEnd(64, '0'), Name: `/${name}`, State, Config: {} } as unknown as ContainerInspect
      },
    },
    networks: {
      list: async () => networks,
      inspect: async id => find(id),
      create: async (request: NetworkCreateRequest) => {
        calls.push(`${name} create ${request.Driver} ${request.Name}`)
        return { Id: 'new', Warning: '' }
      },
      remove: async id => void calls.push(`${name} remove ${find(id).Name}`),
      connect: async (id, container, { Aliases }) =>
        void calls.push(`${name} connect ${id} ${container.slice(0, 3)} ${Aliases?.join()}`),
      disconnect: async (id, container, { force }) =>
        void calls.push(`${name} disconnect ${find(id).Name} ${container.slice(0, 3)} ${force}`),
      prune: async () => networks.filter(({ Driver }) => Driver === 'bridge').map(({ Name }) => Name),
    },
  })
}

async function cluster(overlay = true): Promise<{ port: number; calls: string[] }> {
  const calls: string[] = []
  const shared = network('shop', { Containers: { aaa: { Name: 'web' } as never } })
  await addNode('n1', engineWith('n1', [network('bridge'), network('back'), shared], calls, ['web']), { overlay })
  await addNode('n2', engineWith('n2', [network('bridge', { Id: 'other-id' })], calls), { overlay })
  return { port: await startFront(), calls }
}

const names = (body: unknown): string[] => (body as NetworkInspect[]).map(({ Name }) => Name)

describe('networks of the cluster', () => {
  it('are listed with the node of those that end there, and once each that spans nodes', async () => {
    const { port } = await cluster()
    await send(port, 'POST', '/v1.43/networks/create', { Name: 'shop', Driver: 'overlay', Labels: { a: 'b' } })
    expect(names((await get(port, '/networks')).body)).toEqual(['n1/back', 'n1/bridge', 'n2/bridge', 'shop'])
    const list = async (filters: object) =>
      names((await get(port, `/networks?filters=${encodeURIComponent(JSON.stringify(filters))}`)).body)
    expect(await list({ node: ['n1'], type: ['custom'] })).toEqual(['n1/back'])
    expect(await list({ driver: ['overlay'], label: ['a=b'], scope: ['swarm'] })).toEqual(['shop'])
    expect(await send(port, 'GET', '/networks?filters={"color":["red"]}')).toMatchObject({
      status: 400,
      body: { message: "invalid filter 'color'" },
    })
  })

  it('are inspected by name, node/name or id, with the containers of all nodes', async () => {
    const { port } = await cluster()
    const { body } = await send(port, 'POST', '/networks/create', {
      Name: 'shop',
      IPAM: { Config: [{ Subnet: '10.5.0.0/24' }] },
    })
    const id = (body as { Id: string }).Id
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    for (const reference of ['shop', id, id.slice(0, 12)]) {
      expect((await get(port, `/networks/${reference}`)).body).toMatchObject({
        Name: 'shop',
        Id: id,
        Driver: 'overlay',
        IPAM: { Config: [{ Subnet: '10.5.0.0/24' }] },
        Containers: { aaa: { Name: 'web' } },
      })
    }
    expect((await get(port, '/networks/back')).body).toMatchObject({ Name: 'n1/back', Scope: 'local' })
    expect((await get(port, '/networks/n2/bridge')).body).toMatchObject({ Name: 'n2/bridge', Id: 'other-id' })
    expect(await get(port, '/networks/bridge')).toMatchObject({
      status: 404,
      body: { message: 'network bridge not found: several nodes have one, say which with n1/bridge or n2/bridge' },
    })
  })

  it('are made where the name says, or on the node with the fewest containers', async () => {
    const { port, calls } = await cluster()
    const create = (Name: string, more = {}) => send(port, 'POST', '/networks/create', { Name, ...more })
    expect((await create('n1/mine')).status).toBe(201)
    expect((await create('any', { Driver: 'bridge' })).status).toBe(201)
    expect(calls).toEqual(['n1 create bridge mine', 'n2 create bridge any'])
    expect(await create('n1/mine', { Driver: 'overlay' })).toMatchObject({ status: 501 })
  })

  it.each([
    [{ EnableIPv6: true }, 'EnableIPv6'],
    [{ Options: { encrypted: '' } }, 'the option encrypted'],
    [{ IPAM: { Config: [{ Subnet: '10.5.0.0/24', Gateway: '10.5.0.1' }] } }, 'Gateway'],
    [{ IPAM: { Driver: 'dhcp' } }, 'IPAM.Driver'],
  ])('over nodes refuse %j by name', async (more, field) => {
    const { port } = await cluster()
    const answer = await send(port, 'POST', '/networks/create', { Name: 'x', Driver: 'overlay', ...more })
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(field) as string } })
    expect(lab.networks.size).toBe(0)
  })

  it('cannot span engines of others, which get a bridge', async () => {
    const { port, calls } = await cluster(false)
    expect(await send(port, 'POST', '/networks/create', { Name: 'x', Driver: 'overlay' })).toMatchObject({
      status: 501,
      body: { message: expect.stringMatching(/engines of others.*--driver bridge/) as string },
    })
    expect((await send(port, 'POST', '/networks/create', { Name: 'x' })).status).toBe(201)
    expect(calls).toEqual(['n2 create bridge x'])
  })

  it('take containers on and off at their node', async () => {
    const { port, calls } = await cluster()
    await send(port, 'POST', '/networks/create', { Name: 'shop' })
    const join = (path: string, body: object) => send(port, 'POST', `/networks/${path}`, body)
    await join('shop/connect', { Container: 'web', EndpointConfig: { Aliases: ['www'] } })
    await join('n1/back/disconnect', { Container: 'n1/web', Force: true })
    expect(calls).toEqual(['n1 connect shop web www', 'n1 disconnect back web true'])
    expect(await join('n2/bridge/connect', { Container: 'web' })).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('ends at node n2') as string },
    })
    expect(await join('shop/connect', {})).toMatchObject({ status: 400 })
    // Its node knows of no network that no container there is on.
    await send(port, 'POST', '/networks/create', { Name: 'idle', Driver: 'overlay' })
    expect(await join('idle/disconnect', { Container: 'web' })).toMatchObject({
      status: 500,
      body: { message: `container ${'web'.padEnd(64, '0')} is not connected to network idle` },
    })
  })

  it('are removed when nobody is on them', async () => {
    const { port, calls } = await cluster()
    await send(port, 'POST', '/networks/create', { Name: 'shop' })
    await send(port, 'POST', '/networks/create', { Name: 'idle' })
    expect(await send(port, 'DELETE', '/networks/shop')).toMatchObject({
      status: 403,
      body: { message: expect.stringMatching(/network shop id [0-9a-f]{64} has active endpoints/) as string },
    })
    expect((await send(port, 'DELETE', '/networks/n1/back')).status).toBe(204)
    expect((await send(port, 'DELETE', '/networks/idle')).status).toBe(204)
    expect([...lab.networks.keys(), ...calls]).toEqual(['shop', 'n1 remove back'])
    expect((await send(port, 'DELETE', '/networks/idle')).status).toBe(404)
  })

  it('are joined by new containers, which go where their networks are', async () => {
    const { port, calls } = await cluster()
    await addNode('n3', engineWith('n3', [], calls))
    await send(port, 'POST', '/networks/create', { Name: 'shop' })
    const create = (NetworkMode: string, EndpointsConfig = {}) =>
      send(port, 'POST', '/containers/create', {
        Image: 'a',
        HostConfig: { NetworkMode },
        NetworkingConfig: { EndpointsConfig },
      })
    expect((await create('n2/bridge')).status).toBe(201)
    expect((await create('back', { back: { Aliases: ['x'] } })).status).toBe(201)
    expect((await create('shop')).status).toBe(201)
    expect(calls).toEqual([
      'n2 container on bridge of ',
      'n1 container on back of back',
      expect.stringMatching(/^n[12] container on shop of $/) as string,
    ])
    const elsewhere = { Image: 'a', Env: ['constraint:node==n3'], HostConfig: { NetworkMode: 'shop' } }
    expect(await send(port, 'POST', '/containers/create', elsewhere)).toMatchObject({
      status: 500,
      body: { message: 'No node fits: network shop does not reach the node' },
    })
    expect(await create('nowhere')).toMatchObject({ status: 404, body: { message: 'network nowhere not found' } })
  })

  it('are pruned on all nodes, but for what belongs to networks over nodes and to projects', async () => {
    const { port } = await cluster()
    for (const Name of ['shop', 'idle', 'kept']) await send(port, 'POST', '/networks/create', { Name })
    lab.networks.set('kept', { ...lab.networks.get('kept'), project: 'p' } as never)
    const { body } = await send(port, 'POST', '/networks/prune')
    expect(body).toEqual({ NetworksDeleted: ['idle', 'n1/bridge', 'n1/back', 'n2/bridge'] })
    expect([...lab.networks.keys()]).toEqual(['shop', 'kept'])
  })
})
