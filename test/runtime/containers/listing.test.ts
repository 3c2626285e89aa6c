import { describe, expect, it } from 'vitest'
import {
  type ContainerSummary,
  checkContainerFilters,
  type Filters,
  filtersImplyAll,
} from '../../../src/docker-api/index.ts'
import { pruneFilter } from '../../../src/runtime/containers/life/prune-containers.ts'
import type { ContainerRecord } from '../../../src/runtime/containers/record.ts'
import { parsePs } from '../../../src/runtime/containers/top/run-ps.ts'
import { stateOf } from '../../../src/runtime/containers/views/container-state.ts'
import { passesFilters } from '../../../src/runtime/containers/views/list-filters.ts'
import { aRecord, ended, running } from './support.ts'

const PORTS: ContainerSummary['Ports'] = [
  { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
  { PrivatePort: 53, Type: 'udp' },
]
const NETWORKS = { inner: { NetworkID: 'abc123' } }

function passes(filters: Filters, changes: Partial<ContainerRecord> = {}): boolean {
  const record = aRecord(changes)
  const summary = { Ports: PORTS, NetworkSettings: { Networks: NETWORKS } } as unknown as ContainerSummary
  const others: Record<string, ContainerRecord> = {
    old: aRecord({ createdMs: 1 }),
    young: aRecord({ createdMs: 2e12 }),
  }
  checkContainerFilters(filters)
  const find = (name: string): ContainerRecord => {
    const found = others[name]
    if (found === undefined) throw new Error(`No such container: ${name}`)
    return found
  }
  const imageIds = new Map([['box:1', ['sha256:parent', record.imageId]]])
  return passesFilters({ record, state: stateOf(record, undefined), summary }, filters, { imageIds, find })
}

describe('filters of docker ps', () => {
  const exited: Partial<ContainerRecord> = { lastRun: { ...ended, exitCode: 3 } }
  const labelled: Partial<ContainerRecord> = { config: { Labels: { a: '1', b: '' } } }

  it.each<[Filters, boolean, Partial<ContainerRecord>?]>([
    [{ id: ['aaaa'] }, true],
    [{ id: ['b'] }, false],
    [{ name: ['we'] }, true],
    [{ name: ['^/web$'] }, true],
    [{ name: ['^web$'] }, true],
    [{ name: ['('] }, false],
    [{ name: ['nope', 'web'] }, true],
    [{ label: ['a'] }, true, labelled],
    [{ label: ['a=1', 'b'] }, true, labelled],
    [{ label: ['a=1', 'c'] }, false, labelled],
    [{ label: ['a=2'] }, false, labelled],
    [{ status: ['exited', 'paused'] }, true, exited],
    [{ status: ['running'] }, false, exited],
    [{ status: ['running'] }, true, { life: running }],
    [{ exited: ['3'] }, true, exited],
    [{ exited: ['0'] }, false, exited],
    [{ exited: ['0'] }, false],
    [{ exited: ['0'] }, false, { life: running }],
    [{ ancestor: ['box'] }, true],
    [{ ancestor: ['box:1'] }, true],
    [{ ancestor: ['1'.repeat(64)] }, true],
    [{ ancestor: ['other'] }, false],
    [{ since: ['old'] }, true],
    [{ since: ['young'] }, false],
    [{ before: ['young'] }, true],
    [{ network: ['inner'] }, true],
    [{ network: ['abc'] }, true],
    [{ network: ['bridge'] }, false],
    [{ publish: ['8080'] }, true],
    [{ publish: ['8000-9000/tcp'] }, true],
    [{ publish: ['8080/udp'] }, false],
    [{ publish: ['80'] }, false],
    [{ expose: ['80'] }, true],
    [{ expose: ['50-60/udp'] }, true],
    [{ expose: ['53'] }, false],
    // Of these two, one is enough.
    [{ expose: ['1'], publish: ['8080'] }, true],
    [{ expose: ['80'], name: ['other'] }, false],
    [{ health: ['none'] }, true],
    [{ health: ['healthy'] }, false],
    [{ 'is-task': ['false'] }, true],
    [{ 'is-task': ['true'] }, false],
    [{ isolation: ['default'] }, true],
    [{ status: [] }, true],
  ])('%j: %s', (filters, expected, changes) => {
    expect(passes(filters, changes)).toBe(expected)
  })

  it('finds what uses a volume by its name, its place and its source', () => {
    const point = { Type: 'volume', Name: 'data', Source: '/x/_data', Destination: '/data', Mode: 'z' } as const
    const mount = { point: { ...point, RW: true, Propagation: '' } } as unknown as ContainerRecord['mounts'][number]
    for (const volume of ['data', '/data', '/x/_data'])
      expect(passes({ volume: [volume] }, { mounts: [mount] })).toBe(true)
    expect(passes({ volume: ['dat'] }, { mounts: [mount] })).toBe(false)
  })

  it.each([
    [{ foo: ['x'] }, "Invalid filter 'foo'"],
    [{ 'label!': ['x'] }, "Invalid filter 'label!'"],
    [{ status: ['foo'] }, "Invalid filter 'status=foo'"],
    [{ exited: ['x'] }, "Invalid filter 'exited=x'"],
    [{ health: ['foo'] }, 'Unrecognised filter value for health: foo'],
    [{ 'is-task': ['x'] }, "Invalid filter 'is-task=[x]'"],
    [{ expose: ['x'] }, 'error while looking up for expose x'],
    [{ publish: ['90-80'] }, 'error while looking up for publish 90-80'],
    [{ publish: ['1/foo'] }, 'error while looking up for publish 1/foo'],
  ])('refuses %j', (filters, message) => {
    expect(() => passes(filters)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(message) }),
    )
  })

  it('asks for stopped containers by status only', () => {
    expect(filtersImplyAll({ status: ['exited'] })).toBe(true)
    expect(filtersImplyAll({ status: [], exited: ['0'], since: ['x'] })).toBe(false)
  })
})

describe('filters of docker container prune', () => {
  const NOW = 1_700_000_000_000 + 3_600_000
  it.each<[Filters, boolean]>([
    [{}, true],
    [{ label: ['a=1'] }, true],
    [{ label: ['a=1', 'c'] }, false],
    [{ 'label!': ['a'] }, false],
    [{ 'label!': ['c'] }, true],
    [{ until: ['30m'] }, true],
    [{ until: ['2h'] }, false],
    [{ until: ['1700000001'] }, true],
    [{ until: ['2023-01-01'] }, false],
  ])('%j: %s', (filters, expected) => {
    expect(pruneFilter(filters, NOW)(aRecord({ config: { Labels: { a: '1' } } }))).toBe(expected)
  })

  it.each([
    [{ status: ['exited'] }, "Invalid filter 'status'"],
    [{ until: ['bad'] }, 'failed to parse value as time or duration: "bad"'],
    [{ until: ['1h', '2h'] }, 'more than one until filter specified'],
  ])('refuses %j', (filters, message) => {
    expect(() => pruneFilter(filters, NOW)).toThrow(message)
  })
})

describe('the output of ps', () => {
  it('is cut into columns, with everything left over in the last one', () => {
    const output =
      'USER       PID COMMAND\nroot         1 /sbin/init\nroot        42 sh -c sleep   9\nroot        43 cat\n'
    expect(parsePs(output, [42, 43])).toEqual({
      Titles: ['USER', 'PID', 'COMMAND'],
      Processes: [
        ['root', '42', 'sh -c sleep 9'],
        ['root', '43', 'cat'],
      ],
    })
  })

  it.each(['', 'COMMAND\nsh\n', 'x\n42\n'])('is refused without a column of pids: %j', output => {
    expect(() => parsePs(output, [42])).toThrow("Couldn't find PID field in ps output")
  })
})
