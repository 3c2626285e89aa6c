import { describe, expect, it } from 'vitest'
import type { ContainerUpdateRequest, HostConfig } from '../../../../src/docker-api/index.ts'
import { mergeUpdate } from '../../../../src/runtime/containers/update/merge-update.ts'

const MIB = 2 ** 20
const merge = (host: HostConfig, update: ContainerUpdateRequest, swap = true): HostConfig =>
  mergeUpdate({ id: 'c', host, swap }, update)

describe('updating a container', () => {
  it('changes what is given and leaves the rest, zeros and empty texts included', () => {
    const host = { Memory: 64 * MIB, MemorySwap: 256 * MIB, CpuShares: 512, CpusetCpus: '0', Binds: ['/a:/b'] }
    const update = { Memory: 128 * MIB, CpuShares: 0, CpusetCpus: '', MemorySwap: 0, Devices: null, Ulimits: [] }
    expect(merge(host, update)).toEqual({ ...host, Memory: 128 * MIB })
    expect(merge(host, { MemorySwap: -1 })).toEqual({ ...host, MemorySwap: -1 })
  })

  it.each([
    [50, 50],
    [-1, 0],
    [0, 0],
    [null, 7],
    [undefined, 7],
  ])('sets a limit of %s processes', (PidsLimit, expected) => {
    expect(merge({ PidsLimit: 7 }, PidsLimit === undefined ? {} : { PidsLimit }).PidsLimit).toBe(expected)
  })

  it('replaces the restart policy as a whole, unless it has no name', () => {
    const host: HostConfig = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } }
    expect(merge(host, { RestartPolicy: { Name: 'always' } }).RestartPolicy).toEqual({
      Name: 'always',
      MaximumRetryCount: 0,
    })
    expect(merge(host, { RestartPolicy: { Name: '' } })).toEqual(host)
  })

  it.each<[HostConfig, ContainerUpdateRequest, RegExp]>([
    [{ CpuPeriod: 1_000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Period has already been set/],
    [{ CpuQuota: 1_000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Quota has already been set/],
    [{ NanoCpus: 1e9 }, { CpuPeriod: 1_000 }, /CPU Period cannot be updated as NanoCPUs has already been set/],
    [{ NanoCpus: 1e9 }, { CpuQuota: 1_000 }, /CPU Quota cannot be updated as NanoCPUs has already been set/],
    [{ Memory: MIB, MemorySwap: 2 * MIB }, { Memory: 3 * MIB }, /already set memoryswap limit/],
    // Without a limit of its own, swap is as large again as the memory.
    [{ Memory: MIB }, { Memory: 3 * MIB }, /already set memoryswap limit/],
    [{}, { Memory: MIB }, /already set memoryswap limit/],
    [{ AutoRemove: true }, { RestartPolicy: { Name: 'always' } }, /AutoRemove is enabled/],
  ])('refuses %j with %j', (host, update, message) => {
    expect(() => merge(host, update)).toThrow(
      expect.objectContaining({ status: 409, message: expect.stringMatching(message) }),
    )
  })

  it('minds no swap where none can be limited', () => {
    expect(merge({}, { Memory: 64 * MIB }, false).Memory).toBe(64 * MIB)
    expect(merge({ Memory: MIB, MemorySwap: -1 }, { Memory: 64 * MIB }).Memory).toBe(64 * MIB)
  })

  it.each([
    ['Devices', [{ PathOnHost: '/dev/null' }]],
    ['Ulimits', [{ Name: 'nofile', Soft: 1, Hard: 1 }]],
    ['OomKillDisable', true],
    ['CgroupParent', '/other'],
  ])('refuses %s by name instead of passing it over', (field, value) => {
    expect(() => merge({}, { [field]: value })).toThrow(
      expect.objectContaining({ status: 501, message: expect.stringContaining(field) }),
    )
  })

  it('takes no notice of what no update has', () => {
    expect(merge({}, { Privileged: true })).toEqual({})
  })
})
