import { describe, expect, it } from 'vitest'
import { failed, unavailable } from '../../../src/core/errors.ts'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import type { ContainerCreateRequest } from '../../../src/docker-api/index.ts'
import { create, lab } from './create-lab.ts'

const nodesOf = (...wanted: string[]): string[] =>
  wanted.map(name => lab.made.find(each => each.name === name)?.node ?? 'nowhere')

describe('a container that is to outlive its node', () => {
  const wanted = { Env: ['reschedule:on-node-failure', 'A=1'], HostConfig: { CpuShares: 2 } }

  it('is taken into care with what was asked for', async () => {
    const kept: RescheduledContainer[] = []
    lab.keep = async record => void kept.push(record)
    await create('a', wanted)
    await create('b', { Env: ['reschedule:off'] })
    expect(kept).toEqual([
      {
        swarmId: lab.made[0]?.request.Labels?.['com.docker.swarm.id'],
        name: 'a',
        node: lab.made[0]?.node,
        containerId: `${lab.made[0]?.node}-a`,
        running: false,
        request: expect.objectContaining({ Env: ['A=1'], HostConfig: { CpuShares: 2 } }) as object,
        left: [],
      },
    ])
  })

  it('is not made if it cannot be', async () => {
    lab.keep = () => Promise.reject(unavailable('NOT_LEADER', 'This manager does not lead any more; try again'))
    await expect(create('a', wanted)).rejects.toMatchObject({ code: 'NOT_LEADER' })
    expect([lab.removed, lab.made]).toEqual([['n1-a'], []])
  })
})

it('gives every container an id of the cluster, whatever a client says', async () => {
  const label = 'com.docker.swarm.id'
  await create('a', { Labels: { [label]: 'another container' } })
  expect(lab.made[0]?.request.Labels?.[label]).toMatch(/^[0-9a-f]{64}$/)
})

it('creates nothing once another manager leads, not even after the pull that found out it must', async () => {
  const deposed = unavailable('NOT_LEADER', 'This manager does not lead any more; try again')
  lab.confirmLead = () => Promise.reject(deposed)
  await expect(create('a')).rejects.toBe(deposed)
  lab.confirmLead = async () => {
    if (lab.platforms.length > 0) throw deposed
  }
  await expect(create('a', {}, 'linux/arm64')).rejects.toBe(deposed)
  expect([lab.made, lab.platforms]).toEqual([[], ['create linux/arm64', 'pull linux/arm64']])
})

it('creates for a platform, and pulls the image of that one if the node lacks it', async () => {
  await create('a', {}, 'linux/arm64')
  expect(lab.platforms).toEqual(['create linux/arm64', 'pull linux/arm64', 'create linux/arm64'])
})

describe('a container that mounts a volume of a project', () => {
  const wanted = { HostConfig: { Mounts: [{ Type: 'volume' as const, Source: 'shop_data', Target: '/data' }] } }
  const made = '{"Name":"shop_data","Driver":"local","DriverOpts":{"type":"nfs"},"Labels":{}}'

  it('is put where its data is, however full that node is', async () => {
    lab.volumes = { shop_data: 'n3', other: 'n1' }
    for (const name of ['a', 'b', 'c']) await create(name, wanted)
    expect(nodesOf('a', 'b', 'c')).toEqual(['n3', 'n3', 'n3'])
    await expect(create('d', { ...wanted, Env: ['constraint:node==n1'] })).rejects.toMatchObject({
      code: 'NO_NODE_FITS',
    })
  })

  it('is refused while the node with the data is away', async () => {
    lab.volumes = { shop_data: 'n9' }
    await expect(create('a', wanted)).rejects.toMatchObject({
      code: 'VOLUME_AWAY',
      message:
        'Cannot create the container: its volume shop_data is on node n9, which is down; try again when it is back',
    })
    expect(lab.asked).toEqual([])
  })

  it('that nothing has used has it made as described, and ties it to the node', async () => {
    lab.volumes = { shop_data: undefined }
    await create('a', wanted)
    expect(lab.volumeCalls).toEqual([`n1 create ${made}`, 'pin shop_data to n1'])
    await create('b', wanted)
    expect(nodesOf('a', 'b')).toEqual(['n1', 'n1'])
  })

  it('goes to the node of whoever used it first meanwhile', async () => {
    lab.volumes = { shop_data: undefined }
    const held = Promise.withResolvers<void>()
    lab.hold = held.promise
    const both = [create('a', wanted), create('b', wanted)]
    await expect.poll(() => lab.asked).toEqual(['n1', 'n2'])
    held.resolve()
    await Promise.all(both)
    expect(nodesOf('a', 'b')).toEqual(['n1', 'n1'])
    expect(lab.removed).toEqual(['n2-b'])
  })
})

describe('expressions of a request', () => {
  it('are taken out of the environment, and kept as labels with an id of the cluster', async () => {
    await create('a', {
      Env: ['A=1', 'constraint:node==n3', 'affinity:container!=b', 'whitelist:node==n2|n3', 'reschedule:off'],
      Labels: { mine: 'x', 'com.docker.swarm.constraints': '["ostype==linux"]' },
    })
    expect(lab.made[0]?.node).toBe('n3')
    expect(lab.made[0]?.request.Env).toEqual(['A=1'])
    expect(lab.made[0]?.request.Labels).toEqual({
      mine: 'x',
      'com.docker.swarm.constraints': '["ostype==linux","node==n3"]',
      'com.docker.swarm.affinities': '["container!=b"]',
      'com.docker.swarm.whitelists': '["node==n2|n3"]',
      'com.docker.swarm.reschedule-policies': '["off"]',
      'com.docker.swarm.id': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      'shoal.placement': expect.stringContaining('"node":"n3"') as string,
    })
  })

  it.each([
    [{ Env: ['constraint:x==1'] }, "Key 'x' is invalid"],
    [{ Env: ['affinity:container'] }, 'One of operator ==, != is expected'],
    [{ Labels: { 'com.docker.swarm.affinities': 'web' } }, 'expected a JSON list'],
    [{ Env: ['reschedule:off', 'reschedule:on-node-failure'] }, 'too many reschedule policies'],
    [{ Env: ['reschedule:sometimes'] }, 'invalid reschedule policy: sometimes'],
    [{ Env: ['reschedule:always'] }, 'invalid reschedule policy: always'],
    [{ Env: ['affinity:container==none'] }, '[container==none (soft=false)]'],
    [{ HostConfig: { Links: ['db:database'] } }, '[--link=db]'],
  ] as const)('%j is refused', async (request, message) => {
    await expect(create('a', request as Partial<ContainerCreateRequest>)).rejects.toThrow(message)
    expect(lab.made).toEqual([])
  })
})

describe('a container goes', () => {
  it('beside what it shares, whatever is emptier', async () => {
    await create('db', { Env: ['constraint:node==n2'] })
    await create('web', { HostConfig: { Links: ['/db:database'], VolumesFrom: ['db:ro'] } })
    await create('sidecar', { HostConfig: { NetworkMode: 'container:web' } })
    expect(nodesOf('db', 'web', 'sidecar')).toEqual(['n2', 'n2', 'n2'])
  })

  it('where there are CPUs, which an engine counts in parts of all it has', async () => {
    await create('a', { HostConfig: { CpuShares: 2 } })
    expect(lab.made[0]?.request.HostConfig?.CpuShares).toBe(512)
    await expect(create('b', { HostConfig: { CpuShares: 5 } })).rejects.toThrow('no resources available')
  })

  it('where an image is', async () => {
    lab.images = { n3: ['redis:7'] }
    await create('a', { Env: ['affinity:image==redis'] })
    expect(nodesOf('a')).toEqual(['n3'])
  })

  it('apart from others that are only on their way', async () => {
    const gate = Promise.withResolvers<void>()
    lab.hold = gate.promise
    const HostConfig = { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } }
    const all = ['a', 'b', 'c', 'd'].map(name => create(name, { HostConfig }))
    const outcome = Promise.allSettled(all)
    await new Promise(setImmediate)
    gate.resolve()
    const states = (await outcome).map(({ status }) => status)
    expect(states.toSorted()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    expect(new Set(lab.made.map(({ node }) => node))).toEqual(new Set(lab.names))
  })

  it('evenly over the cluster, a hundred at once', async () => {
    lab.names = Array.from({ length: 10 }, (_, index) => `n${index}`)
    await Promise.all(Array.from({ length: 100 }, (_, index) => create(`c${index}`)))
    const counts = lab.names.map(name => lab.made.filter(({ node }) => node === name).length)
    expect(counts).toEqual(lab.names.map(() => 10))
  })
})

it('never breaks what is asked for, whatever is created at the same time', async () => {
  lab.names = Array.from({ length: 10 }, (_, index) => `n${index}`)
  const port = (HostPort: string) => ({ PortBindings: { '80/tcp': [{ HostIp: '', HostPort }] } })
  const creations = Array.from({ length: 60 }, (_, index) => {
    if (index % 3 === 0) return create(`web${index}`, { HostConfig: port('8080') })
    if (index % 3 === 1) return create(`one${index}`, { Labels: { role: 'one' }, Env: ['affinity:role!=one'] })
    return create(`any${index}`)
  })
  const refused = (await Promise.allSettled(creations)).filter(({ status }) => status === 'rejected')
  const nodesWith = (beginning: string): string[] =>
    lab.made.flatMap(({ name, node }) => (name.startsWith(beginning) ? [node] : [])).toSorted()
  expect(nodesWith('web')).toEqual(lab.names)
  expect(nodesWith('one')).toEqual(lab.names)
  expect(nodesWith('any')).toHaveLength(20)
  expect(refused).toHaveLength(20)
})

describe('a node that cannot be connected to', () => {
  const unsent = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection refused', { details: { sent: false } })

  it('is passed over', async () => {
    lab.failures = { n1: unsent, n2: unsent }
    await create('a')
    expect([lab.asked, nodesOf('a')]).toEqual([['n1', 'n2', 'n3'], ['n3']])
    expect([...(lab.cluster?.state.standalone.reservations().values() ?? [])]).toMatchObject([{ node: 'n3' }])
  })

  it('is passed over three times at most', async () => {
    lab.names = ['n1', 'n2', 'n3', 'n4']
    lab.failures = { n1: unsent, n2: unsent, n3: unsent }
    await expect(create('a')).rejects.toBe(unsent)
    expect(lab.asked).toEqual(['n1', 'n2', 'n3'])
  })

  it('is told of where no other would do', async () => {
    lab.failures = { n2: unsent }
    await expect(create('a', { Env: ['constraint:node==n2'] })).rejects.toBe(unsent)
    expect(lab.cluster?.state.standalone.reservations().size).toBe(0)
  })

  it.each([
    unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection reset'),
    unavailable('ENGINE_SILENT', 'It did not answer'),
    unavailable('UNAVAILABLE', 'busy', { details: { answered: true } }),
  ])('is another matter than: $message', async error => {
    lab.failures = { n1: error }
    await expect(create('a')).rejects.toBe(error)
    expect(lab.asked).toEqual(['n1'])
  })
})

describe('what tasks are placed beside', () => {
  const HostConfig = { Memory: 2 ** 30, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } }
  const taken = () => [...(lab.cluster?.state.standalone.reservations().values() ?? [])]

  it('begins with the decision, and is never told to be free while the container is made', async () => {
    const gate = Promise.withResolvers<void>()
    lab.hold = gate.promise
    const creating = create('a', { HostConfig })
    await new Promise(setImmediate)
    const hostPorts = [{ published: 80, protocol: 'tcp', hostIp: '' }]
    expect(taken()).toMatchObject([{ node: 'n1', memoryBytes: 2 ** 30, hostPorts }])
    let freed = 0
    lab.cluster?.state.standalone.onRoom(() => freed++)
    gate.resolve()
    await creating
    expect(taken()).toMatchObject([{ name: 'n1/a', node: 'n1', memoryBytes: 2 ** 30, hostPorts }])
    expect(freed).toBe(0)
  })

  it('is given back, and told so, when it could not be made', async () => {
    const gate = Promise.withResolvers<void>()
    lab.hold = gate.promise
    lab.failures = { n1: failed('NO_SPACE', 'no space left', { details: { answered: true } }) }
    const creating = create('a', { HostConfig })
    await new Promise(setImmediate)
    let freed = 0
    lab.cluster?.state.standalone.onRoom(() => freed++)
    gate.resolve()
    await expect(creating).rejects.toThrow('no space left')
    expect([taken(), freed]).toEqual([[], 1])
  })

  it('has no containers of tasks in it', async () => {
    lab.made.push({ node: 'n1', name: 'shop-web-1', request: { Image: 'app', Labels: { 'shoal.task.id': 't1' } } })
    await create('a')
    await lab.cluster?.nodes.inventory.refresh('n1', 'n1-shop-web-1')
    expect(lab.cluster?.state.contents().nodesOf('shop-web-1')).toEqual(['n1'])
    expect(taken().map(({ name }) => name)).toEqual(['n1/a'])
  })
})

it('counts the memory that is reserved, and the limit only where nothing is', async () => {
  lab.names = ['n1']
  const GiB = 2 ** 30
  for (const name of ['a', 'b', 'c']) {
    await create(name, { HostConfig: { Memory: 6 * GiB, MemoryReservation: 2 * GiB } })
  }
  await expect(create('d', { HostConfig: { Memory: 6 * GiB } })).rejects.toThrow('no resources available')
  await create('e', { HostConfig: { Memory: 2 * GiB } })
  expect(lab.made.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'e'])
})

it('gives a name once, even to two that ask at once', async () => {
  const [first, second] = await Promise.allSettled([create('same'), create('same')])
  expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected'])
  await expect(create('same')).rejects.toMatchObject({ status: 409, code: 'NAME_TAKEN' })
  expect(lab.made).toHaveLength(1)
})
