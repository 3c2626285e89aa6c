import { describe, expect, it } from 'vitest'
import type { ContainerState } from '../../../src/docker-api/index.ts'
import { checkContainerFilters, humanDuration, statusText } from '../../../src/docker-api/index.ts'
import { stateOf } from '../../../src/runtime/containers/views/container-state.ts'
import { portSummaries, summaryView } from '../../../src/runtime/containers/views/container-views.ts'
import { passesFilters } from '../../../src/runtime/containers/views/list-filters.ts'
import { aRecord, ended, running } from './support.ts'

const NOW = 1_700_000_000_000

describe('the status column', () => {
  it.each([
    [0, 'Less than a second'],
    [1_000, '1 second'],
    [59_000, '59 seconds'],
    [60_000, 'About a minute'],
    [46 * 60_000, '46 minutes'],
    [60 * 60_000, 'About an hour'],
    [47 * 3_600_000, '47 hours'],
    [3 * 86_400_000, '3 days'],
    [20 * 86_400_000, '2 weeks'],
    [100 * 86_400_000, '3 months'],
    [800 * 86_400_000, '2 years'],
  ])('%d ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text)
  })

  const state = (changes: Partial<ContainerState>): ContainerState => ({
    ...stateOf(aRecord({ life: { ...running, startedAtMs: NOW - 300_000 } }), undefined),
    FinishedAt: new Date(NOW - 7_200_000).toISOString(),
    ...changes,
  })
  const health = (Status: 'starting' | 'healthy') => ({ Health: { Status, FailingStreak: 0, Log: [] } })

  it.each<[Partial<ContainerState>, string]>([
    [{}, 'Up 5 minutes'],
    [health('healthy'), 'Up 5 minutes (healthy)'],
    [health('starting'), 'Up 5 minutes (health: starting)'],
    [{ Status: 'paused' }, 'Up 5 minutes (Paused)'],
    [{ Status: 'exited', ExitCode: 3 }, 'Exited (3) 2 hours ago'],
    [{ Status: 'restarting', ExitCode: 1 }, 'Restarting (1) 2 hours ago'],
    [{ Status: 'created' }, 'Created'],
  ])('%j: %s', (changes, text) => {
    expect(statusText(state(changes), NOW)).toBe(text)
  })
})

describe('the state of a container', () => {
  it.each([
    ['created', aRecord(), { Status: 'created', Running: false, Pid: 0 }],
    ['running', aRecord({ life: running, lastRun: ended }), { Status: 'running', Running: true, Pid: 42, ExitCode: 0 }],
    ['paused', aRecord({ life: { ...running, paused: true } }), { Status: 'paused', Running: true, Paused: true }],
    ['exited', aRecord({ lastRun: ended }), { Status: 'exited', Running: false, ExitCode: 1 }],
    [
      'restarting',
      aRecord({ life: { status: 'restarting', dueAtMs: 0 }, lastRun: ended }),
      { Status: 'restarting', Running: true, Restarting: true },
    ],
    [
      'restarting, while the next run is made',
      aRecord({ life: { status: 'starting', again: true }, lastRun: ended }),
      { Status: 'restarting', Running: true, Restarting: true },
    ],
    [
      'exited, while somebody starts it',
      aRecord({ life: { status: 'starting' }, lastRun: ended }),
      { Status: 'exited', Running: false, Restarting: false },
    ],
    [
      'never started, for it could not be',
      aRecord({ lastRun: { ...ended, startedAtMs: 0, exitCode: 127, error: 'why' } }),
      { Status: 'created', ExitCode: 127, Error: 'why' },
    ],
  ])('%s', (_what, record, expected) => {
    expect(stateOf(record, undefined)).toMatchObject(expected)
  })
})

it('ports are listed with their bindings', () => {
  expect(portSummaries({ '80/tcp': [{ HostIp: '', HostPort: '8080' }], '53/udp': [] }, ['80/tcp', '443/tcp'])).toEqual([
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { PrivatePort: 53, Type: 'udp' },
    { PrivatePort: 443, Type: 'tcp' },
  ])
})

describe('filters', () => {
  const record = aRecord({
    name: 'shop-web-1',
    config: { Cmd: ['x'], Labels: { role: 'web', tier: '' } },
    networkMode: 'front',
    lastRun: ended,
    mounts: [
      {
        point: { Type: 'volume', Name: 'data', Source: '/v', Destination: '/srv', Mode: '', RW: true, Propagation: '' },
        type: 'bind',
        source: '/v',
        destination: '/srv',
        options: [],
        copyUp: false,
      },
    ],
  })
  const room = {
    sandboxes: { get: () => undefined, networkId: () => undefined },
    health: { get: () => undefined },
    paths: {},
    clock: { nowMs: () => NOW },
  } as unknown as Parameters<typeof summaryView>[0]
  const listed = { record, state: stateOf(record, undefined), summary: summaryView(room, record) }
  const context = { imageIds: new Map([['alias', [record.imageId]]]), find: () => record }

  it.each<[Record<string, string[]>, boolean]>([
    [{}, true],
    [{ name: ['shop'] }, true],
    [{ name: ['^/shop-web-1$'] }, true],
    [{ name: ['other', 'web-1$'] }, true],
    [{ name: ['['] }, false],
    [{ id: ['aaaa'] }, true],
    [{ id: ['b'] }, false],
    [{ label: ['role=web', 'tier'] }, true],
    [{ label: ['role=web', 'tier=back'] }, false],
    [{ status: ['running', 'exited'] }, true],
    [{ status: ['running'] }, false],
    [{ exited: ['1'] }, true],
    [{ exited: ['0'] }, false],
    [{ ancestor: ['box'] }, true],
    [{ ancestor: ['alias'] }, true],
    [{ ancestor: ['other'] }, false],
    [{ network: ['front'] }, true],
    [{ network: ['back'] }, false],
    [{ volume: ['data'] }, true],
    [{ volume: ['/srv'] }, true],
    [{ volume: ['other'] }, false],
    [{ health: ['none'] }, true],
    [{ name: ['shop'], status: ['running'] }, false],
  ])('%j: %s', (filters, passes) => {
    checkContainerFilters(filters)
    expect(passesFilters(listed, filters, context)).toBe(passes)
  })

  it.each([[{ colour: ['red'] }], [{ status: ['happy'] }], [{ exited: ['x'] }]])('%j is refused', filters => {
    expect(() => checkContainerFilters(filters as unknown as Record<string, string[]>)).toThrow('Invalid filter')
  })
})
