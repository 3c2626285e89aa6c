import { describe, expect, it } from 'vitest'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { toJson } from '../../../src/manager/docker/containers/list-containers.ts'
import { ContainerIndex } from '../../../src/manager/inventory/container-index.ts'
import { type HoldingNode, holdInspected, holdLine } from '../../../src/manager/inventory/hold-container.ts'

const NODE: HoldingNode = { name: 'n1', address: '10.0.0.1', nanoCpus: 4e9 }
const line = (more: object = {}, id = 'aa') =>
  holdLine(NODE, { Id: id, Names: ['/web'], Created: 5, State: 'running', ...more } as never, undefined)
const inspected = (more: object = {}) =>
  holdInspected(
    NODE,
    {
      Id: 'aa',
      Name: '/web',
      Image: 'sha256:1',
      Created: '2023-11-14T22:13:20Z',
      State: { Status: 'running' },
      Config: { Image: 'app:1' },
      ...more,
    } as unknown as ContainerInspect,
    undefined,
  )

describe('a container that a node lies about', () => {
  it.each([
    ['listed', line({ State: 'x","Injected":"y' })],
    ['described', inspected({ State: { Status: 'x","Injected":"y' } })],
  ])('with a state that there is not, %s, leaves the list of all others readable', (_how, container) => {
    const shown = [{ container, state: container.status, status: '' }]
    const [told] = JSON.parse(toJson(shown).toString()) as object[]
    expect(told).toMatchObject({ Names: ['/n1/web'], State: 'created' })
    expect(told).not.toHaveProperty('Injected')
  })

  it.each([
    ['listed', (labels: unknown) => line({ Labels: labels })],
    ['described', (labels: unknown) => inspected({ Config: { Image: 'app:1', Labels: labels } })],
  ])('with labels that are no text, %s, keeps those that are, and is found', (_how, hold) => {
    const container = hold({ 'com.docker.swarm.id': 7, policy: ['on-node-failure'], tier: 'front' })
    expect(container.labels).toEqual({ tier: 'front' })
    expect(hold('no labels at all').labels).not.toHaveProperty('com.docker.swarm.id')
    const index = new ContainerIndex()
    index.replace(undefined, container)
    expect(index.find('a')).toEqual([container])
    expect(index.find('b')).toEqual([])
  })

  it.each([
    ['listed', (told: object) => line({ Details: told })],
    ['described', (told: object) => inspected(told)],
  ])('with details that are none, %s, has none of them', (_how, hold) => {
    const health = { State: { Status: 'running', Health: null }, Config: {} }
    const nothing = { State: { Status: 'up' }, Config: null, HostConfig: null, NetworkSettings: null }
    expect(hold(health).details?.state).not.toHaveProperty('Health')
    expect(hold({ ...nothing, Config: {} }).details).toMatchObject({ hostPorts: [], nanoCpus: 0 })
    expect(JSON.parse(`${line({ Details: nothing }).line}}`)).not.toHaveProperty('Details')
  })

  it.each(['yesterday', null, {}, -1, Number.POSITIVE_INFINITY])('made at %j has a time all the same', created => {
    expect(line({ Created: created }).createdMs).toBe(0)
  })

  it.each([
    { Memory: 'much', NanoCpus: 'all' },
    { Memory: -5, NanoCpus: -1 },
    { MemoryReservation: 'some' },
    { Memory: null, CpuShares: [] },
  ])('with resources %j counts as one without', host => {
    expect(inspected({ HostConfig: host }).details).toMatchObject({ memoryBytes: 0, nanoCpus: 0 })
  })

  it('keeps what else is searched in as text', () => {
    const container = line({
      Image: {},
      ImageID: 4,
      HostConfig: { NetworkMode: 1 },
      Mounts: [null, { Name: 3, Source: [], Destination: '/data' }],
      NetworkSettings: { Networks: { back: { NetworkID: 9 }, none: null } },
    })
    expect(container).toMatchObject({
      image: '',
      imageId: '',
      networkMode: 'default',
      mounts: ['', '', '/data'],
      networks: [{ name: 'back', id: '' }],
    })
  })
})
