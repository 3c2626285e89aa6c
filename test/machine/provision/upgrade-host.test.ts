import { afterEach, beforeEach, expect, it } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import type { Membership } from '../../../src/machine/index.ts'
import { Bench } from './bench.ts'
import { converged, MACHINE, SWARM } from './scene.ts'

let bench: Bench
let told: string[]

beforeEach(async () => {
  bench = await Bench.open()
  bench.host.looks = [converged()]
  told = []
})
afterEach(() => bench.close())

function memberThatIs(availability: 'active' | 'pause' | 'drain'): Membership {
  return {
    isReady: async () => true,
    availability: async () => availability,
    drain: async node => void told.push(`drain ${node}`),
    setAvailability: async (node, to) => void told.push(`${to} ${node}`),
    takeManagerOut: async ({ name }) => void told.push(`take out ${name}`),
    forget: async ({ name }) => void told.push(`forget ${name}`),
  }
}

const machine = { ...MACHINE, swarm: SWARM }

it.each([
  ['active', ['drain n1', 'active n1']],
  ['pause', ['drain n1', 'pause n1']],
  ['drain', []],
] as const)('leaves a node %s as it was', async (availability, expected) => {
  expect(await bench.upgrade({ machine, membership: memberThatIs(availability) })).toMatchObject({ ok: true })
  expect(told).toEqual(expected)
})

it('leaves a host drained that could not be upgraded', async () => {
  const connect = () => Promise.reject(unavailable('SSH_UNREACHABLE', 'nobody there'))
  const result = await bench.upgrade({ machine, membership: memberThatIs('active'), connect })
  expect(result).toMatchObject({ ok: false })
  expect(told).toEqual(['drain n1'])
})
