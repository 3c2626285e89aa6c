import { expect, it } from 'vitest'
import { joinedTo, masterOf } from '../../../src/cli/commands/machine/cluster/masters.ts'
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
const machine = (name: string, driver: string, swarm: SwarmSettings = SWARM): Machine => ({
  name,
  driver,
  settings: driver === 'generic' ? REACHED : {},
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
