import { describe, expect, it } from 'vitest'
import { chooseCapabilities, parseBoundingSet } from '../../../../src/runtime/containers/spec/capabilities.ts'
import { fc } from '../../../support/property.ts'

const ALL = (1n << 41n) - 1n
const choose = (add: string[] = [], drop: string[] = [], privileged = false): string[] =>
  chooseCapabilities({ privileged, add, drop }, ALL)

describe('capabilities', () => {
  it('are docker defaults, fourteen of them', () => {
    expect(choose()).toHaveLength(14)
    expect(choose()).not.toContain('CAP_SYS_ADMIN')
  })

  it.each<[string[], string[], string, boolean]>([
    [['NET_ADMIN'], [], 'CAP_NET_ADMIN', true],
    [['cap_net_admin'], [], 'CAP_NET_ADMIN', true],
    [[], ['CHOWN'], 'CAP_CHOWN', false],
    [['ALL'], [], 'CAP_SYS_ADMIN', true],
    [['ALL'], ['SYS_ADMIN'], 'CAP_SYS_ADMIN', false],
    [[], ['ALL'], 'CAP_CHOWN', false],
    [['CHOWN'], ['ALL'], 'CAP_CHOWN', true],
  ])('adding %j and dropping %j: %s is %s', (add, drop, name, there) => {
    expect(choose(add, drop).includes(name)).toBe(there)
  })

  it('refuse a name that is none', () => {
    expect(() => choose(['FLY'])).toThrow('invalid CapAdd: unknown capability: "CAP_FLY"')
  })

  it('never exceed what the engine has', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: ALL }), fc.boolean(), (available, privileged) => {
        const all = choose([], [], true)
        const given = chooseCapabilities({ privileged, add: ['ALL'], drop: [] }, available)
        return given.every(name => (available & (1n << BigInt(all.indexOf(name)))) !== 0n)
      }),
    )
  })

  it('are read from a status file', () => {
    expect(parseBoundingSet('CapEff:\t0\nCapBnd:\t00000000a80425fb\n')).toBe(0xa80425fbn)
  })
})
