import { expect, it } from 'vitest'
import { joinedTo, managersOf, managersWithout, masterOf } from '../../../src/cli/commands/machine/cluster/masters.ts'
import { type Machine, PLAIN_ENGINE, type SwarmSettings } from '../../../src/machine/index.ts'

const SWARM: SwarmSettings = {
  discovery: '',
  master: true,
  agent: true,
  host: 'tcp://0.0.0.0:3376',
  strategy: 'spread',
  options: [],
  joinOptions: [],
}
const REACHED = {
  'generic-ip-address': '10.0.0.1',
  'generic-engine-port': 2376,
  'generic-ssh-port': 22,
  'generic-ssh-user': 'root',
}
const machine = (name: string, driver: string, swarm: SwarmSettings = SWARM, address = '10.0.0.1'): Machine => ({
  name,
  driver,
  settings: driver === 'generic' ? { ...REACHED, 'generic-ip-address': address } : {},
  engine: PLAIN_ENGINE,
  swarm,
  certificateNames: [],
  createdAtMs: 0,
})
const NEW = { name: 'new', before: undefined }
const HALF_MADE = machine('half', 'hetzner')
const MASTER = machine('m1', 'generic')
const WORKER = machine('w1', 'generic', { ...SWARM, master: false, discovery: 'etcd://10.0.0.1:2379' })

it('finds the master of a machine beside one that was not made to its end', () =>
  expect(masterOf(WORKER, [HALF_MADE, MASTER, WORKER])).toBe(MASTER))

it('joins none that was not made to its end', () =>
  expect(() => joinedTo({ ...SWARM, master: false }, { ...NEW, others: [HALF_MADE] })).toThrow(
    /was not made to its end/,
  ))

it('has a second manager join the first, and begin a cluster only where it says so', () => {
  const others = [MASTER, WORKER]
  expect(joinedTo(SWARM, { ...NEW, others: [] })).toEqual(SWARM)
  expect(joinedTo(SWARM, { ...NEW, others })).toEqual({ ...SWARM, discovery: 'etcd://10.0.0.1:2379' })
  expect(joinedTo({ ...SWARM, discovery: 'machine://new' }, { ...NEW, others })).toEqual(SWARM)
  expect(joinedTo(SWARM, { ...NEW, others: [MASTER, machine('m2', 'generic')], before: SWARM })).toEqual(SWARM)
})

const COPY = { ...SWARM, discovery: 'etcd://10.0.0.1:2379/' }
const SECOND = machine('m2', 'generic', COPY, '10.0.0.2')
const THIRD = machine('m3', 'generic', COPY, '10.0.0.3')
const INSECURE = { ...COPY, insecure: true }

it.each([
  ['who began it is asked first', WORKER, [THIRD, SECOND, MASTER], ['m1', 'm3', 'm2']],
  ['the others without it', WORKER, [HALF_MADE, SECOND, THIRD], ['m2', 'm3']],
  ['a manager itself', SECOND, [SECOND, THIRD], ['m2', 'm3']],
  ['who is not made to its end can be asked nothing', WORKER, [machine('m2', 'hetzner', COPY), THIRD], ['m3']],
  ['nobody in the cluster of others', machine('w2', 'generic', { ...COPY, discovery: 'etcd://x:1' }), [SECOND], []],
  ['the only store without certificates', SECOND, [machine('m1', 'generic', { ...SWARM, insecure: true })], ['m1']],
  ['and nobody without that', machine('m2', 'generic', INSECURE), [machine('m2', 'generic', INSECURE)], []],
] as const)('of the managers of a cluster: %s', (_, asked, machines, expected) =>
  expect(managersOf(asked, machines).map(({ name }) => name)).toEqual(expected),
)

it('tells whether a cluster goes on without a machine', () => {
  const without = (gone: Machine, ...machines: Machine[]) =>
    managersWithout(gone, [gone, ...machines]).map(({ name }) => name)
  expect(without(MASTER, SECOND, THIRD, WORKER)).toEqual(['m2', 'm3'])
  // The second has a copy without a vote until there is a third.
  expect(without(MASTER, SECOND, WORKER)).toEqual([])
  expect(without(SECOND, MASTER)).toEqual(['m1'])
  expect(without(SECOND, THIRD)).toEqual(['m3'])
  expect(without(SECOND, WORKER)).toEqual([])
})

it('joins those who are left of a cluster whose first manager is gone, at its address too', () => {
  const others = [SECOND, THIRD, WORKER]
  const joined = { ...SWARM, discovery: 'etcd://10.0.0.1:2379/' }
  expect(joinedTo(SWARM, { ...NEW, others })).toEqual(joined)
  expect(joinedTo({ ...SWARM, discovery: 'machine://m3' }, { ...NEW, others })).toEqual(joined)
  expect(joinedTo({ ...SWARM, master: false }, { ...NEW, others })).toEqual({ ...joined, master: false })
  // The last one has the store: it begins no other.
  expect(joinedTo(SWARM, { ...NEW, before: COPY, others: [WORKER] })).toEqual(joined)
})
