import { describe, expect, it } from 'vitest'
import type { RestartPolicy } from '../../../src/docker-api/index.ts'
import { type LeftBehind, planRecovery } from '../../../src/runtime/containers/life/plan-recovery.ts'
import {
  decideRestart,
  type EndOfRun,
  startsWithEngine,
} from '../../../src/runtime/containers/life/restart-decision.ts'
import { joinedNetworks, withNetwork, withoutNetwork } from '../../../src/runtime/containers/network-membership.ts'
import type { ContainerRecord } from '../../../src/runtime/containers/record.ts'
import { NO_NETWORKS } from '../../../src/runtime/ports.ts'
import { fc } from '../../support/property.ts'
import { aRecord, ended, running } from './support.ts'

const end = (changes: Partial<EndOfRun> = {}): EndOfRun => ({
  policy: { Name: 'always' },
  exitCode: 1,
  stoppedByHand: false,
  ranMs: 50,
  restartCount: 0,
  previousDelayMs: 0,
  ...changes,
})

describe('the restart decision', () => {
  it.each<[RestartPolicy, Partial<EndOfRun>, boolean]>([
    [{}, {}, false],
    [{ Name: 'no' }, {}, false],
    [{ Name: 'always' }, { exitCode: 0 }, true],
    [{ Name: 'always' }, { stoppedByHand: true }, false],
    [{ Name: 'unless-stopped' }, { exitCode: 0 }, true],
    [{ Name: 'on-failure' }, { exitCode: 0 }, false],
    [{ Name: 'on-failure' }, { restartCount: 1000 }, true],
    [{ Name: 'on-failure', MaximumRetryCount: 2 }, { restartCount: 1 }, true],
    [{ Name: 'on-failure', MaximumRetryCount: 2 }, { restartCount: 2 }, false],
  ])('%j after %j: %s', (policy, changes, restart) => {
    expect(decideRestart(end({ policy, ...changes })).restart).toBe(restart)
  })

  it('doubles its delay up to a minute while runs are short', () => {
    const delays: number[] = []
    for (let delay = 0, turn = 0; turn < 12; turn++) {
      const decision = decideRestart(end({ previousDelayMs: delay }))
      delay = decision.restart ? decision.delayMs : 0
      delays.push(delay)
    }
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000])
  })

  it('begins anew after a run of ten seconds', () => {
    expect(decideRestart(end({ ranMs: 10_000, previousDelayMs: 60_000 }))).toEqual({ restart: true, delayMs: 100 })
  })

  it('never restarts what was stopped by hand', () => {
    fc.assert(fc.property(fc.nat(255), exitCode => !decideRestart(end({ exitCode, stoppedByHand: true })).restart))
  })

  it.each<[RestartPolicy, Partial<EndOfRun>, boolean]>([
    [{ Name: 'always' }, { stoppedByHand: true }, true],
    [{ Name: 'unless-stopped' }, { stoppedByHand: true }, false],
    [{ Name: 'unless-stopped' }, {}, true],
    [{ Name: 'on-failure' }, {}, true],
    [{ Name: 'no' }, {}, false],
  ])('with a new engine %j after %j starts: %s', (policy, changes, starts) => {
    expect(startsWithEngine(end({ policy, ...changes }))).toBe(starts)
  })
})

describe('the recovery plan', () => {
  const seen = (changes: Partial<LeftBehind> = {}): LeftBehind => ({
    hasExitFile: false,
    processAlive: false,
    monitorAlive: false,
    ...changes,
  })
  const alive = { processAlive: true, monitorAlive: true }
  const always: Partial<ContainerRecord> = { host: { RestartPolicy: { Name: 'always' } } }

  it.each<[string, Partial<ContainerRecord>, Partial<LeftBehind>, object]>([
    ['half created', { life: { status: 'creating' } }, {}, { do: 'discard' }],
    [
      'half removed',
      { life: { status: 'removing', anonymousVolumes: true } },
      {},
      { do: 'remove', anonymousVolumes: true },
    ],
    ['half started', { life: { status: 'starting' } }, {}, { do: 'undo-start', start: false }],
    ['half started, wanted', { ...always, life: { status: 'starting' } }, {}, { do: 'undo-start', start: true }],
    ['started after all', { life: { status: 'starting' } }, alive, { do: 'adopt' }],
    ['running', { life: running }, alive, { do: 'adopt' }],
    ['just ended, its monitor about to say so', { life: running }, { monitorAlive: true }, { do: 'adopt' }],
    ['ended meanwhile', { life: running }, { hasExitFile: true }, { do: 'settle', lost: false }],
    ['lost in a reboot', { life: running }, {}, { do: 'settle', lost: true }],
    ['without a monitor', { life: running }, { processAlive: true }, { do: 'kill' }],
    ['between two runs', { life: { status: 'restarting', dueAtMs: 5 } }, {}, { do: 'restart', dueAtMs: 5 }],
    ['never started', always, {}, { do: 'nothing' }],
    ['ended, to be started', { ...always, lastRun: ended }, {}, { do: 'start' }],
    ['ended for good', { lastRun: ended }, {}, { do: 'nothing' }],
  ])('%s', (_what, record, left, step) => {
    expect(planRecovery(aRecord(record), seen(left))).toEqual(step)
  })
})

describe('membership in networks', () => {
  const member = (networkMode: string, ...names: string[]) => ({
    networkMode,
    endpoints: Object.fromEntries(names.map(name => [name, {}])),
  })
  const APP = { id: 'a'.repeat(64), name: 'app' }
  const BRIDGE = { id: 'b'.repeat(64), name: 'bridge' }
  it.each([
    ['keeps the default bridge', member('default'), member('default', 'bridge', 'app')],
    ['adds to others', member('front', 'front'), member('front', 'front', 'app')],
    ['joins it again by name', member('default', 'a'.repeat(12)), member('default', 'app')],
    ['has left all', member(NO_NETWORKS), member(NO_NETWORKS, 'app')],
  ])('joining %s', (_what, before, after) => {
    expect(withNetwork(before, APP, {})).toEqual(after)
  })

  it.each([
    ['a further one', member('front', 'front', 'app'), member('front', 'front'), ['front']],
    ['the main one', member('app', 'app', 'front'), member(NO_NETWORKS, 'front'), ['front']],
    ['the last one', member('app', 'app'), member(NO_NETWORKS), []],
    ['the main one that was not said', member('app'), member(NO_NETWORKS), []],
    ['one named by the beginning of its id', member('aaaaaaaaaaaa', 'front'), member(NO_NETWORKS, 'front'), ['front']],
    ['the only one besides an unsaid mode', member('default', 'app'), member(NO_NETWORKS), []],
  ])('leaving %s', (_what, before, after, left) => {
    expect(withoutNetwork(before, APP)).toEqual(after)
    expect(joinedNetworks(after)).toEqual(left)
  })

  it('leaving the default bridge', () => {
    expect(withoutNetwork(member('default'), BRIDGE)).toEqual(member(NO_NETWORKS))
    expect(withoutNetwork(member('default', 'bridge', 'app'), BRIDGE)).toEqual(member('default', 'app'))
  })

  it('is what was given, or the default', () => {
    expect(joinedNetworks(member('default'))).toEqual(['bridge'])
    expect(joinedNetworks(member('default', 'default'))).toEqual(['bridge'])
    expect(joinedNetworks(member('front', 'app'))).toEqual(['front', 'app'])
    expect(joinedNetworks(member('none'))).toEqual(['none'])
    expect(joinedNetworks(member('container:abc'))).toEqual([])
  })
})
