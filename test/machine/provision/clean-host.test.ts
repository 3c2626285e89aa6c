import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Membership } from '../../../src/machine/index.ts'
import { CLEAN_HOST, END_CONTAINERS, LEAVE_CLUSTER } from '../../../src/machine/provision/scripts/clean-scripts.ts'
import { PUT_DOCKER_CONFIG, REMOVE_DOCKER_CONFIG } from '../../../src/machine/provision/scripts/docker-scripts.ts'
import { CLOSE_PORTS } from '../../../src/machine/provision/scripts/network-scripts.ts'
import { STOP_SERVICES } from '../../../src/machine/provision/scripts/service-scripts.ts'
import { Bench } from './bench.ts'
import { MACHINE, SWARM } from './scene.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

it.each([
  ['another machine', { owner: ['{"machine":"m1"}'] }, /provisioned as machine "m1"/],
  ['another cluster', { owner: ['{"machine":"n1","cluster":"etcd://10.9.9.9:2379"}'] }, /another cluster/],
])('leaves a host alone that belongs to %s', async (_, look, message) => {
  bench.host.looks = [look]
  const result = await bench.clean({ data: true })
  expect(result).toMatchObject({ ok: false, exitCode: 3, changed: [], failed: { error: { code: 'PREFLIGHT' } } })
  expect(result.failed?.error.message).toMatch(message)
  expect(bench.host.ran).toHaveLength(2)
  expect(bench.kept).toEqual([])
})

const ENGINE = '{"name":"n1","version":"1.2.3","running":1}'
const NAMES = new Map([
  [END_CONTAINERS, 'end containers'],
  [LEAVE_CLUSTER, 'leave'],
  [STOP_SERVICES, 'stop'],
  [CLOSE_PORTS, 'close'],
  [PUT_DOCKER_CONFIG, 'put docker'],
  [REMOVE_DOCKER_CONFIG, 'remove docker'],
  [CLEAN_HOST, 'clean'],
])

const done = (): string[] => bench.host.ran.flatMap(({ words }) => NAMES.get(words[2] ?? '') ?? [])

it('ends containers while their engine answers', async () => {
  bench.host.looks = [{ owner: ['{"machine":"n1"}'], engine: [ENGINE] }]
  expect(await bench.clean({ data: true })).toMatchObject({ ok: true })
  expect(done()).toEqual(['end containers', 'stop', 'close', 'clean'])
  expect(bench.host.ran.find(({ words }) => words.includes(END_CONTAINERS))?.words.slice(4)).toEqual([
    '/run/shoal/engine.sock',
    'data',
    'shoal.task.id',
  ])
})

it('has the agent leave before it is stopped', async () => {
  const joined = ['{"discovery":"etcd://10.0.0.1:2379"}']
  bench.host.looks = [{ owner: ['{"machine":"n1","cluster":"etcd://10.0.0.1:2379"}'], engine: [ENGINE], joined }]
  expect(await bench.clean({}, { machine: { ...MACHINE, swarm: SWARM } })).toMatchObject({ ok: true })
  expect(done()).toEqual(['end containers', 'leave', 'stop', 'close', 'clean'])
})

it.each([
  ['runs no containers', {}, 3],
  ['is a node, too', { joined: ['{"discovery":"etcd://10.0.0.1:2379"}'] }, 4],
])(
  'takes a manager out of its cluster first, and does nothing where that is refused: one that %s',
  async (_, look, scripts) => {
    bench.host.looks = [{ owner: ['{"machine":"n1","cluster":"etcd://10.0.0.1:2379"}'], ...look }]
    const machine = { ...MACHINE, swarm: { ...SWARM, master: true } }
    const told: string[] = []
    const membership = {
      takeManagerOut: async () => void told.push(`take out after ${done().length}`),
      drain: async () => void told.push('drain'),
      forget: async () => void told.push(`forget after ${done().length}`),
    } as unknown as Membership
    expect(await bench.clean({}, { machine, membership })).toMatchObject({ ok: true })
    const drain = 'joined' in look ? ['drain'] : []
    expect(told).toEqual(['take out after 0', ...drain, `forget after ${scripts}`])
    bench.host.ran.splice(0)
    told.splice(0)
    const refusing = {
      ...membership,
      takeManagerOut: () => Promise.reject(new Error('too few')),
    } as unknown as Membership
    expect((await bench.clean({}, { machine, membership: refusing })).failed?.error.message).toContain('too few')
    expect(done()).toEqual([])
    expect(told).toEqual([])
  },
)

it.each([
  ['{"debug":true, "labels": ["a=b"]}', 'put docker', '{"debug":true}'],
  ['{"labels": ["a=b"]}', 'remove docker', undefined],
])("takes its entries out of Docker's configuration: %s", async (text, script, left) => {
  const config = Buffer.from(text).toString('base64')
  bench.host.looks = [{ owner: ['{"machine":"n1","docker":{"labels":["a=b"]}}'], docker_config: [config] }]
  expect(await bench.clean({})).toMatchObject({ ok: true })
  expect(done()).toEqual(['stop', 'close', script, 'clean'])
  const put = bench.host.ran.find(({ words }) => words.includes(PUT_DOCKER_CONFIG))
  const written = put?.stdin.trim().split(' ')
  expect(written?.slice(0, 2)).toEqual(left === undefined ? undefined : ['kept', '/etc/docker/daemon.json'])
  expect(written && Buffer.from(written[2] ?? '', 'base64').toString()).toBe(left)
})
