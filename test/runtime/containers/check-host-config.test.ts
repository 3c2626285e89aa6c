import { describe, expect, it } from 'vitest'
import { checkHostConfig } from '../../../src/runtime/containers/check-host-config.ts'

const facts = { cpus: 2, boundingSet: (1n << 41n) - 1n, initPath: undefined }
const check = (host: object): void => checkHostConfig(host, facts)
const MIB = 1024 * 1024

describe('HostConfig', () => {
  it.each<[object, number, string]>([
    [{ Devices: [{}] }, 501, 'HostConfig.Devices'],
    [{ IpcMode: 'host' }, 501, 'HostConfig.IpcMode'],
    [{ UsernsMode: 'host' }, 501, 'HostConfig.UsernsMode'],
    [{ Init: true }, 501, 'HostConfig.Init'],
    [{ SecurityOpt: ['seccomp={"x":1}'] }, 501, 'HostConfig.SecurityOpt'],
    [{ LogConfig: { Type: 'fluentd' } }, 400, 'fluentd'],
    [{ Memory: 1 }, 400, 'Minimum memory limit allowed is 6MB'],
    [{ Memory: 8 * MIB, MemorySwap: 7 * MIB }, 400, 'larger than memory limit'],
    [{ MemorySwap: 8 * MIB }, 400, 'always set the Memory limit'],
    [{ Memory: 8 * MIB, MemoryReservation: 9 * MIB }, 400, 'memory reservation'],
    [{ NanoCpus: 3e9 }, 400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, 400, 'Conflicting options'],
    [{ CpuPeriod: 5 }, 400, 'CPU cfs period'],
    [{ RestartPolicy: { Name: 'sometimes' } }, 400, 'invalid restart policy'],
    [{ RestartPolicy: { Name: 'always', MaximumRetryCount: 1 } }, 400, 'maximum retry count'],
    [{ RestartPolicy: { Name: 'always' }, AutoRemove: true }, 400, "can't create 'AutoRemove' container"],
    [{ Ulimits: [{ Name: 'colour', Soft: 1, Hard: 1 }] }, 400, 'invalid ulimit type'],
    [{ Ulimits: [{ Name: 'core', Soft: 2, Hard: 1 }] }, 400, 'less than or equal'],
    [{ CapAdd: ['FLY'] }, 400, 'invalid capability'],
    [{ OomScoreAdj: 2000 }, 400, 'oom score'],
    [{ CgroupParent: '../out' }, 400, 'must not contain'],
  ])('%j is refused', (host, status, message) => {
    expect(() => check(host)).toThrow(expect.objectContaining({ status, message: expect.stringContaining(message) }))
  })

  it.each<[object]>([
    [{}],
    [{ Devices: null, DeviceRequests: [], BlkioWeight: 0, PidMode: '', OomKillDisable: false, MaskedPaths: null }],
    [{ IpcMode: 'private', CgroupnsMode: 'host', Isolation: 'default', Runtime: 'runc', ConsoleSize: [1, 2] }],
    [{ MemorySwappiness: -1, Annotations: {}, VolumeDriver: 'local' }],
    [{ SecurityOpt: ['no-new-privileges', 'apparmor=unconfined', 'label=disable', 'label:disable'] }],
    [{ LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } } }],
    [{ Memory: 8 * MIB, MemorySwap: -1, NanoCpus: 5e8, PidsLimit: -1 }],
  ])('%j is accepted', host => {
    expect(() => check(host)).not.toThrow()
  })
})
