import fc from 'fast-check'
import { expect, it } from 'vitest'
import { needsWitness, SILENCE_MS_MAX, suspectedHosts } from '../../../src/node-agent/overlay/suspicion.ts'

const NOW = 100_000
const sightings = (ages: Record<string, number>, witnessAgeMs = NOW) => ({
  lastHeardMs: new Map(Object.entries(ages).map(([host, ageMs]) => [host, NOW - ageMs])),
  nowMs: NOW,
  witnessMs: NOW - witnessAgeMs,
})

it('suspects who is silent while others speak', () => {
  expect([...suspectedHosts(sightings({ a: 10, b: SILENCE_MS_MAX + 1, c: SILENCE_MS_MAX }))]).toEqual(['b'])
})

it('suspects nobody when all are silent, unless something else has answered since', () => {
  const ages = { a: 5_000, b: 2_000 }
  expect(suspectedHosts(sightings(ages)).size).toBe(0)
  expect(suspectedHosts(sightings(ages, 2_000)).size).toBe(0)
  expect([...suspectedHosts(sightings(ages, 1_999))]).toEqual(['a', 'b'])
})

it('has nobody to suspect when there are no peers', () => {
  expect(suspectedHosts(sightings({})).size).toBe(0)
  expect(needsWitness(sightings({}))).toBe(false)
})

it('never suspects a host heard within the limit, and asks for a witness exactly when all are silent', () => {
  const ages = fc.dictionary(fc.string({ minLength: 1 }), fc.nat(5_000))
  fc.assert(
    fc.property(ages, fc.nat(5_000), (hosts, witnessAgeMs) => {
      const input = sightings(hosts, witnessAgeMs)
      const suspected = suspectedHosts(input)
      for (const host of suspected) expect(NOW - (input.lastHeardMs.get(host) ?? NOW)).toBeGreaterThan(SILENCE_MS_MAX)
      const silent = Object.values(hosts).filter(ageMs => ageMs > SILENCE_MS_MAX).length
      expect(needsWitness(input)).toBe(silent > 0 && silent === Object.keys(hosts).length)
      if (!needsWitness(input)) expect(suspected.size).toBe(silent)
    }),
  )
})
