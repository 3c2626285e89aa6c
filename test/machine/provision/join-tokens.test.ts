import { afterEach, beforeEach, expect, it } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import type { Machine } from '../../../src/machine/index.ts'
import { START_SERVICES } from '../../../src/machine/provision/scripts/service-scripts.ts'
import { agentStep } from '../../../src/machine/provision/steps/agent-step.ts'
import { certsStep } from '../../../src/machine/provision/steps/certs-step.ts'
import { Bench } from './bench.ts'
import { converged, type Lines, MACHINE, SWARM, sceneOf } from './scene.ts'

let bench: Bench
let made: number

beforeEach(async () => {
  bench = await Bench.open()
  made = 0
})

afterEach(() => bench.close())

const MEMBER: Machine = { ...MACHINE, swarm: SWARM }
const MANAGER: Machine = { ...MACHINE, swarm: { ...SWARM, master: true } }
const trust = {
  managers: ['10.0.0.1:3376'],
  async newToken() {
    made++
    return `token ${made}`
  },
}
const member = { machine: MEMBER, trust }
const planOf = (facts: Lines, machine = MEMBER) => certsStep.plan(sceneOf(facts, { machine, trust }))

/** What a host tells that has joined, with this identity. */
const joined = (lines: Lines): Lines => ({ ...converged({ machine: MEMBER, trust }), ...lines })

it('is brought to who has no certificate, and to who has one that ran out', () => {
  expect(planOf({})).toEqual(['bring a join token'])
  expect(planOf({ expired: ['agent'] })).toEqual(['bring a join token, as the certificate of the agent has expired'])
  expect(planOf({ identity: ['agent'] })).toEqual([])
})

it('is brought anew where one is that may be spent', () =>
  expect(planOf({ identity: ['token'] })).toEqual(['bring a join token']))

it('is brought to a manager, from which the agent beside it gets its own', () => {
  expect(planOf({ identity: ['agent'] }, MANAGER)).toEqual(['bring a join token'])
  expect(planOf({ identity: ['manager'], expired: ['agent'] }, MANAGER)).toEqual([])
})

it('is read by a daemon that runs and is let in nowhere', () => {
  expect(agentStep.plan(sceneOf(joined({ expired: ['agent'] }), member))).toEqual(['restart agent'])
  expect(agentStep.plan(sceneOf(joined({ identity: ['agent'] }), member))).toEqual([])
})

it('is made for a host on which all else is ready, and written for root alone', async () => {
  bench.host.looks = [joined({ expired: ['agent'] }), joined({ expired: ['agent'] }), joined({ identity: ['agent'] })]
  expect(await bench.provision({}, member)).toMatchObject({ ok: true, changed: ['certs', 'agent'] })
  expect(made).toBe(1)
  const token = Buffer.from('token 1\n').toString('base64')
  expect(bench.host.ran.map(({ stdin }) => stdin)).toContain(`600 /etc/shoal/join-token ${token}\n`)
  expect(bench.host.ran.filter(({ words }) => words.includes(START_SERVICES))).toHaveLength(1)
  expect(JSON.stringify([bench.events, bench.kept])).not.toContain('token 1')
})

it.each([
  ['a dry run', { dryRun: true }, {}],
  ['a member', {}, { identity: ['agent'] }],
  ['a host that is refused', {}, { cgroup: [''], expired: ['agent'] }],
  ['a run that ends before', { until: 'engine' }, { expired: ['agent'] }],
] as const)('is not made for %s', async (_what, options, lines) => {
  bench.host.looks = [joined(lines)]
  await bench.provision(options, member)
  expect(made).toBe(0)
})

it('says of which host none can be had', async () => {
  bench.host.looks = [joined({ expired: ['agent'] })]
  const newToken = (): Promise<string> => Promise.reject(unavailable('SSH_UNREACHABLE', 'Cannot reach m1'))
  expect(await bench.provision({}, { ...member, trust: { ...trust, newToken } })).toMatchObject({
    exitCode: 10,
    failed: { step: 'certs', error: { message: 'Cannot reach m1' } },
  })
})
