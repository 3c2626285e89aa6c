import { expect, it } from 'vitest'
import {
  isProofOfService,
  needsWitness,
  REFUSAL_SILENCE_MS_MAX,
  SILENCE_MS_MAX,
  type Sighting,
  type SignOfLife,
  suspectedHosts,
} from '../../../src/node-agent/overlay/suspicion.ts'
import { fc } from '../../support/property.ts'

const NOW = 100_000
const LIMIT: Record<SignOfLife, number> = { packet: SILENCE_MS_MAX, refusal: REFUSAL_SILENCE_MS_MAX }
type Age = number | { readonly refusedAgoMs: number }
type Ages = Record<string, Age>
const sighting = (age: Age): Sighting =>
  typeof age === 'number' ? { atMs: NOW - age, by: 'packet' } : { atMs: NOW - age.refusedAgoMs, by: 'refusal' }
const sightings = (ages: Ages, witnessAgeMs = NOW) => ({
  peers: new Map(Object.entries(ages).map(([host, age]) => [host, sighting(age)])),
  nowMs: NOW,
  witnessMs: NOW - witnessAgeMs,
})

it.each<[string, Ages, number, string[]]>([
  ['who is silent while others speak', { a: 10, b: SILENCE_MS_MAX + 1, c: SILENCE_MS_MAX }, NOW, ['b']],
  ['nobody who refuses', { a: 10, b: { refusedAgoMs: 10 } }, NOW, []],
  ['nobody who refused within a second and a probe', { a: 10, b: { refusedAgoMs: REFUSAL_SILENCE_MS_MAX } }, NOW, []],
  ['who has stopped to refuse', { a: 10, b: { refusedAgoMs: REFUSAL_SILENCE_MS_MAX + 1 } }, NOW, ['b']],
  ['who is silent while the others refuse', { a: { refusedAgoMs: 10 }, b: 5_000 }, NOW, ['b']],
  ['nobody when all are silent', { a: 5_000, b: { refusedAgoMs: 2_000 } }, NOW, []],
  ['nobody for a witness of before', { a: 5_000, b: { refusedAgoMs: 2_000 } }, 2_000, []],
  ['all who are silent when a witness spoke since', { a: 5_000, b: { refusedAgoMs: 2_000 } }, 1_999, ['a', 'b']],
  ['nobody when there are no peers', {}, NOW, []],
])('suspects %s', (_, ages, witnessAgeMs, expected) => {
  expect([...suspectedHosts(sightings(ages, witnessAgeMs))]).toEqual(expected)
})

it.each<[SignOfLife, { wasSuspected: boolean; isMember: boolean }, boolean]>([
  ['packet', { wasSuspected: false, isMember: true }, true],
  ['packet', { wasSuspected: true, isMember: true }, true],
  ['packet', { wasSuspected: true, isMember: false }, true],
  ['refusal', { wasSuspected: false, isMember: true }, true],
  ['refusal', { wasSuspected: true, isMember: true }, false],
  ['refusal', { wasSuspected: false, isMember: false }, false],
])('takes a %s of a host with %j for proof of service: %s', (by, host, expected) => {
  expect(isProofOfService(by, host)).toBe(expected)
})

it('needs no witness when there are no peers', () => {
  expect(needsWitness(sightings({}))).toBe(false)
})

it('gives up a host within two seconds, one probe and its dispatch included', () => {
  expect(Math.max(SILENCE_MS_MAX, REFUSAL_SILENCE_MS_MAX) + 250).toBeLessThan(2_000)
})

it('never suspects a host heard within the limit, and asks for a witness exactly when all are silent', () => {
  const age = fc.oneof(fc.nat(5_000), fc.record({ refusedAgoMs: fc.nat(5_000) }))
  const ages = fc.dictionary(fc.string({ minLength: 1 }), age)
  fc.assert(
    fc.property(ages, fc.nat(5_000), (hosts, witnessAgeMs) => {
      const input = sightings(hosts, witnessAgeMs)
      const suspected = suspectedHosts(input)
      const silent = [...input.peers].filter(([, { atMs, by }]) => NOW - atMs > LIMIT[by]).map(([host]) => host)
      for (const host of suspected) expect(silent).toContain(host)
      expect(needsWitness(input)).toBe(silent.length > 0 && silent.length === input.peers.size)
      if (!needsWitness(input)) expect(suspected.size).toBe(silent.length)
    }),
  )
})
