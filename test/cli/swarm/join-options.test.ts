import { describe, expect, it } from 'vitest'
import { readJoinOptions } from '../../../src/cli/index.ts'
import { readOptions } from '../../../src/cli/options.ts'

function read(values: Record<string, unknown>, { args = ['etcd://e:2379'], env = {}, pace = 1 } = {}) {
  return readJoinOptions(
    { command: 'swarm join', args, options: readOptions(values), globals: readOptions({}) },
    { env },
    { pace },
  )
}

const ADVERTISE = { advertise: '10.0.0.1:2375' }

describe('readJoinOptions', () => {
  it('has defaults that notice a dead node in seconds', () => {
    expect(read(ADVERTISE)).toEqual({
      discovery: 'etcd://e:2379',
      discoveryOptions: {},
      advertise: { host: '10.0.0.1', port: 2375 },
      heartbeatMs: 1_000,
      ttlMs: 5_000,
      delayMs: 0,
    })
  })

  it('bears the silence of a slow host for longer, unless it is told for how long', () => {
    expect(read(ADVERTISE, { pace: 8 })).toMatchObject({ ttlMs: 40_000, heartbeatMs: 8_000 })
    expect(read({ ...ADVERTISE, ttl: '6s' }, { pace: 8 })).toMatchObject({ ttlMs: 6_000, heartbeatMs: 2_000 })
  })

  it('takes address and discovery from the environment', () => {
    const env = { SWARM_ADVERTISE: '[fd00::1]:2375', SWARM_DISCOVERY: 'etcd://other:2379' }
    expect(read({}, { args: [], env })).toMatchObject({
      discovery: 'etcd://other:2379',
      advertise: { host: 'fd00::1', port: 2375 },
    })
    expect(read(ADVERTISE, { env })).toMatchObject({ discovery: 'etcd://e:2379', advertise: { host: '10.0.0.1' } })
  })

  it.each([
    [{}, 'missing mandatory --advertise flag'],
    [{ advertise: '10.0.0.1' }, '--advertise should be of the form ip:port or hostname:port'],
    [{ advertise: '10.0.0.1:0' }, '--advertise should be of the form ip:port or hostname:port'],
    [{ advertise: '10.0.0.1:65536' }, '--advertise should be of the form ip:port or hostname:port'],
    [{ advertise: 'fd00::1:2375' }, '--advertise should be of the form ip:port or hostname:port'],
    [{ ...ADVERTISE, heartbeat: '500ms' }, '--heartbeat should be at least one second'],
    [{ ...ADVERTISE, heartbeat: '5s' }, '--ttl must be strictly superior to the heartbeat value'],
    [{ ...ADVERTISE, delay: '-1s' }, '--delay should not be a negative number'],
    [{ ...ADVERTISE, ttl: 'soon' }, 'invalid --ttl: soon is not a duration such as 10s or 1m30s'],
    [{ ...ADVERTISE, discoveryOpt: ['x'] }, '--discovery-opt must contain key=value strings'],
  ])('refuses %j', (values, message) => {
    expect(() => read(values)).toThrow(expect.objectContaining({ code: 'BAD_FLAG', message }))
  })

  it.each([[[]], [['a', 'b']]])('needs one discovery URL, not %j', args => {
    expect(() => read(ADVERTISE, { args })).toThrow("discovery required to join a cluster. See 'swarm join --help'.")
  })
})
