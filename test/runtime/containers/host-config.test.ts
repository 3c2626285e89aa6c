import { describe, expect, it } from 'vitest'
import { checkHostConfig } from '../../../src/runtime/containers/checks/host-config.ts'
import { resourceWarnings } from '../../../src/runtime/containers/checks/resources.ts'
import type { HostFacts } from '../../../src/runtime/containers/host/host-facts.ts'
import { someFacts } from './support.ts'

const check = (host: object, changes: Partial<HostFacts> = {}): void => checkHostConfig(host, someFacts(changes))
const MIB = 1024 * 1024

describe('HostConfig', () => {
  it.each<[object, number, string]>([
    [{ Devices: [{}] }, 400, 'HostConfig.Devices'],
    [{ Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'rx' }] }, 400, 'invalid device mode: rx'],
    [{ DeviceCgroupRules: ['c 1:3'] }, 400, "invalid device cgroup rule format: 'c 1:3'"],
    [{ DeviceCgroupRules: ['a *:* rwm; b'] }, 400, 'invalid device cgroup rule format'],
    [{ PidMode: 'mine' }, 400, 'invalid PID mode: mine'],
    [{ PidMode: 'container:' }, 400, 'invalid PID mode'],
    [{ IpcMode: 'shared' }, 400, 'invalid IPC mode: shared'],
    [{ UTSMode: 'private' }, 400, 'invalid UTS mode'],
    [{ UsernsMode: 'private' }, 400, 'invalid user namespace mode'],
    [{ CgroupnsMode: 'container:a' }, 400, 'invalid cgroup namespace mode'],
    [{ SecurityOpt: ['seccomp={"x":1}'] }, 400, 'Decoding seccomp profile failed'],
    [{ SecurityOpt: ['seccomp=/etc/profile.json'] }, 400, 'Decoding seccomp profile failed'],
    [{ SecurityOpt: ['seccomp'] }, 400, 'invalid --security-opt'],
    [{ SecurityOpt: ['no-new-privileges=perhaps'] }, 400, 'invalid --security-opt'],
    [{ SecurityOpt: ['label=type:svirt_t'] }, 501, 'SELinux'],
    [{ SecurityOpt: ['apparmor=mine'] }, 501, 'this kernel has no AppArmor'],
    [{ SecurityOpt: ['systempaths=open'] }, 400, 'invalid --security-opt'],
    [{ Sysctls: { 'vm.swappiness': '1' } }, 400, 'sysctl "vm.swappiness" is not in a separate kernel namespace'],
    [{ Sysctls: { 'net.core.somaxconn': '1' }, NetworkMode: 'host' }, 400, 'not allowed in host network namespace'],
    [{ Sysctls: { 'kernel.msgmax': '1' }, IpcMode: 'host' }, 400, 'is not allowed in the hosts ipc namespace'],
    [{ Sysctls: { 'kernel/core_pattern': '|x' } }, 400, 'is not in a separate kernel namespace'],
    [{ MaskedPaths: ['proc/x'] }, 400, 'HostConfig.MaskedPaths'],
    [{ ReadonlyPaths: ['/proc/../etc'] }, 400, 'HostConfig.ReadonlyPaths'],
    [{ Runtime: 'sysbox' }, 400, 'unknown or invalid runtime name: sysbox'],
    [{ ShmSize: -1 }, 400, 'SHM size can not be less than 0'],
    [{ MemorySwappiness: 101 }, 400, 'valid memory swappiness range is 0-100'],
    [{ CpusetCpus: '0-9' }, 400, 'Requested CPUs are not available - requested 0-9, available: 0-1'],
    [{ CpusetCpus: 'all' }, 400, 'Invalid value all for cpuset cpus'],
    [{ CpusetMems: '1' }, 400, 'Requested memory nodes are not available'],
    [{ BlkioWeight: 5 }, 400, 'Range of blkio weight is from 10 to 1000'],
    [{ CpuRealtimePeriod: 10, CpuRealtimeRuntime: 20 }, 400, 'cannot be higher than cpu real-time period'],
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
    [{ CapAdd: ['FLY'] }, 400, 'invalid CapAdd: unknown capability: "CAP_FLY"'],
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

  it.each<[object, Partial<HostFacts>, string]>([
    [{ Init: true }, { initPath: undefined }, 'install the tini package'],
    [{}, { seccomp: undefined }, 'install the package golang-github-containers-common'],
    [
      { SecurityOpt: ['apparmor=mine'] },
      { apparmor: { enabled: true, isLoaded: () => false } },
      'The AppArmor profile "mine" is not loaded'.slice(4),
    ],
    [
      { CpuRealtimeRuntime: 1 },
      { abilities: { ...someFacts().abilities, realtime: false } },
      'kernel does not support CPU real-time scheduler',
    ],
  ])('%j is refused by a machine that cannot do it', (host, changes, message) => {
    expect(() => check(host, changes)).toThrow(message)
  })

  it('warns of limits that this kernel does not have', () => {
    const none = Object.fromEntries(Object.keys(someFacts().abilities).map(name => [name, false]))
    const facts = someFacts({ abilities: none as unknown as HostFacts['abilities'] })
    const host = { Memory: 8 * MIB, PidsLimit: 5, CpuShares: 5, BlkioWeight: 10, OomKillDisable: true }
    expect(resourceWarnings(host, facts)).toHaveLength(6)
    expect(resourceWarnings(host, someFacts())).toEqual([])
    expect(resourceWarnings({ OomKillDisable: true }, someFacts())).toEqual([
      expect.stringContaining('OOM killer is disabled for the container, but no memory limit is set'),
    ])
  })
})
