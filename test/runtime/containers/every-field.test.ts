import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ContainerCreateRequest, HostConfig } from '../../../src/docker-api/index.ts'
import { CREATE_SHAPES, ENDPOINT_SHAPES, HOST_CONFIG_SHAPES, readFields } from '../../../src/docker-api/index.ts'
import {
  CONFIG_FIELD_SUPPORT,
  ENDPOINT_FIELD_SUPPORT,
  type FieldSupport,
  HOST_FIELD_SUPPORT,
} from '../../../src/runtime/containers/checks/field-support.ts'
import { checkConfig, checkHostConfig } from '../../../src/runtime/containers/checks/index.ts'
import { planHealth } from '../../../src/runtime/containers/health/index.ts'
import { grantedDevices } from '../../../src/runtime/containers/host/index.ts'
import { cgroupPath } from '../../../src/runtime/containers/life/bundle.ts'
import { mergeConfig } from '../../../src/runtime/containers/life/merge-config.ts'
import { decideRestart } from '../../../src/runtime/containers/life/restart-decision.ts'
import { sandboxRequestOf } from '../../../src/runtime/containers/life/sandbox-request.ts'
import { readLogConfig } from '../../../src/runtime/containers/logs/index.ts'
import { buildOciSpec } from '../../../src/runtime/containers/spec/build-oci-spec.ts'
import { fullConfig, fullHostConfig } from '../../../src/runtime/containers/views/inspect-defaults.ts'
import { checkRequest } from '../../../src/runtime/network/sandboxes/check-request.ts'
import { wantedMounts } from '../../../src/runtime/volumes/wanted-mounts.ts'
import { aRecord, someFacts } from './support.ts'

/** What the engine derives from a request: if a field works, one of these differs when it is set. */
async function consequences(request: ContainerCreateRequest): Promise<unknown> {
  const host = request.HostConfig ?? {}
  const config = mergeConfig({ Cmd: ['run'], ...request }, {})
  const record = aRecord({
    config,
    host,
    hostname: config.Hostname || 'web',
    networkMode: config.NetworkDisabled === true ? 'none' : (host.NetworkMode ?? 'default'),
    endpoints: request.NetworkingConfig?.EndpointsConfig ?? {},
  })
  const spec = buildOciSpec({
    facts: someFacts(),
    config,
    host,
    hostname: record.hostname,
    rootPath: '/root',
    user: { uid: 0, gid: 0, additionalGids: (host.GroupAdd ?? []).map(Number) },
    mounts: [],
    sandbox: { id: 'web', networks: {}, ports: {}, files: { hostname: '/h', hosts: '/h', resolvConf: '/h' } },
    cgroupsPath: cgroupPath({ cgroupParent: '/shoal' }, record),
    ...(host.Init === true ? { initPath: '/usr/bin/tini' } : {}),
    devices: await grantedDevices({ Devices: host.Devices ?? null }),
    blockDevices: new Map([['/dev/sda', { major: 8, minor: 0 }]]),
    joined: {},
  })
  const end = { policy: host.RestartPolicy ?? {}, exitCode: 1, stoppedByHand: false, ranMs: 1, restartCount: 0 }
  return {
    spec,
    network: sandboxRequestOf(record, {}),
    mounts: wantedMounts(request, {}),
    log: readLogConfig(host.LogConfig ?? {}),
    restart: decideRestart({ ...end, previousDelayMs: 0 }),
    health: planHealth(config.Healthcheck ?? { Test: ['CMD-SHELL', 'true'] }, config.Shell),
  }
}

/** A value of each field that works; a text names the integration test that sees what it does. */
const HOST_SAMPLES: Readonly<Record<keyof HostConfig, object>> = {
  Annotations: { value: { 'org.example': 'x' } },
  AutoRemove: { test: 'lifecycle' },
  Binds: { value: ['/a:/b'] },
  BlkioDeviceReadBps: { value: [{ Path: '/dev/sda', Rate: 5 }] },
  BlkioDeviceReadIOps: { value: [{ Path: '/dev/sda', Rate: 5 }] },
  BlkioDeviceWriteBps: { value: [{ Path: '/dev/sda', Rate: 5 }] },
  BlkioDeviceWriteIOps: { value: [{ Path: '/dev/sda', Rate: 5 }] },
  BlkioWeight: { value: 100 },
  BlkioWeightDevice: { value: [{ Path: '/dev/sda', Weight: 100 }] },
  CapAdd: { value: ['SYS_ADMIN'] },
  CapDrop: { value: ['ALL'] },
  Cgroup: { value: 'container:a' },
  CgroupParent: { value: '/elsewhere' },
  CgroupnsMode: { value: 'private' },
  ConsoleSize: { test: 'options' },
  ContainerIDFile: { value: '/tmp/id' },
  CpuCount: { value: 1 },
  CpuPercent: { value: 50 },
  CpuPeriod: { value: 10_000 },
  CpuQuota: { value: 5_000 },
  CpuRealtimePeriod: { value: 1_000_000 },
  CpuRealtimeRuntime: { value: 1_000 },
  CpuShares: { value: 512 },
  CpusetCpus: { value: '0' },
  CpusetMems: { value: '0' },
  DeviceCgroupRules: { value: ['c 10:* rwm'] },
  DeviceRequests: { value: [{ Driver: 'nvidia', Count: -1, Capabilities: [['gpu']] }] },
  Devices: { value: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/void', CgroupPermissions: 'r' }] },
  Dns: { value: ['10.0.0.1'] },
  DnsOptions: { value: ['ndots:2'] },
  DnsSearch: { value: ['example.org'] },
  ExtraHosts: { value: ['a:10.0.0.1'] },
  GroupAdd: { value: ['20'] },
  IOMaximumBandwidth: { value: 1 },
  IOMaximumIOps: { value: 1 },
  Init: { value: true },
  IpcMode: { value: 'host' },
  Isolation: { value: 'hyperv' },
  KernelMemory: { value: 64 << 20 },
  KernelMemoryTCP: { value: 64 << 20 },
  Links: { value: ['db:alias'] },
  LogConfig: { value: { Type: 'none' } },
  MaskedPaths: { value: [] },
  Memory: { value: 64 << 20 },
  MemoryReservation: { value: 64 << 20 },
  MemorySwap: { value: -1 },
  MemorySwappiness: { value: 0 },
  Mounts: { value: [{ Type: 'tmpfs', Target: '/t' }] },
  NanoCpus: { value: 5e8 },
  NetworkMode: { value: 'none' },
  OomKillDisable: { value: true },
  OomScoreAdj: { value: 100 },
  PidMode: { value: 'host' },
  PidsLimit: { value: 10 },
  PortBindings: { value: { '80/tcp': [{ HostPort: '8080' }] } },
  Privileged: { value: true },
  PublishAllPorts: { value: true },
  ReadonlyPaths: { value: [] },
  ReadonlyRootfs: { value: true },
  RestartPolicy: { value: { Name: 'always' } },
  Runtime: { test: 'options' },
  SecurityOpt: { value: ['no-new-privileges'] },
  ShmSize: { value: 1 << 20 },
  StorageOpt: { value: { size: '1G' } },
  Sysctls: { value: { 'kernel.msgmax': '1000' } },
  Tmpfs: { value: { '/t': '' } },
  UTSMode: { value: 'host' },
  Ulimits: { value: [{ Name: 'nofile', Soft: 5, Hard: 5 }] },
  UsernsMode: { test: 'options' },
  VolumeDriver: { value: 'nfs' },
  VolumesFrom: { test: 'options' },
}

const CONFIG_SAMPLES: Readonly<Record<keyof ContainerCreateRequest, object>> = {
  ArgsEscaped: { value: true },
  AttachStderr: { value: true },
  AttachStdin: { value: true },
  AttachStdout: { value: true },
  Cmd: { value: ['other'] },
  Domainname: { value: 'example.org' },
  Entrypoint: { value: ['enter'] },
  Env: { value: ['A=1'] },
  ExposedPorts: { value: { '80/tcp': {} } },
  Healthcheck: { value: { Test: ['CMD', 'true'] } },
  HostConfig: { value: { Privileged: true } },
  Hostname: { value: 'pilot' },
  Image: { test: 'lifecycle' },
  Labels: { test: 'lifecycle' },
  MacAddress: { value: '02:42:ac:11:00:05' },
  NetworkDisabled: { value: true },
  NetworkingConfig: { value: { EndpointsConfig: { front: { Aliases: ['a'] } } } },
  OnBuild: { value: ['RUN true'] },
  OpenStdin: { test: 'attach-exec' },
  Shell: { value: ['sh', '-c'] },
  StdinOnce: { test: 'attach-exec' },
  StopSignal: { test: 'lifecycle' },
  StopTimeout: { test: 'options' },
  Tty: { value: true },
  User: { test: 'limits' },
  Volumes: { value: { '/data': {} } },
  WorkingDir: { value: '/srv' },
}

const cases = (
  shapes: object,
  support: Readonly<Record<string, FieldSupport>>,
  samples: Readonly<Record<string, object>>,
) => Object.keys(shapes).map(field => ({ field, support: support[field], sample: samples[field] ?? {} }))

describe('every field of HostConfig', () => {
  it.each(cases(HOST_CONFIG_SHAPES, HOST_FIELD_SUPPORT, HOST_SAMPLES))('$field', async ({ field, support, sample }) => {
    if ('test' in sample) return expect(integrationTest(sample.test as string)).toContain(field)
    const { value } = sample as { readonly value: unknown }
    const request = readFields({ HostConfig: { [field]: value } }, CREATE_SHAPES) as ContainerCreateRequest
    const host = request.HostConfig ?? {}
    if (typeof support === 'object') {
      const refusal = {
        status: 501,
        message: expect.stringContaining(`HostConfig.${field} is not supported: `) as string,
      }
      return expect(() => checkHostConfig(host, someFacts())).toThrow(expect.objectContaining(refusal))
    }
    checkHostConfig(host, someFacts())
    if (support === 'kept') return expect(fullHostConfig(host, '1')).toMatchObject({ [field]: value })
    expect(await consequences(request)).not.toEqual(await consequences({}))
  })
})

describe('every field of a container', () => {
  it.each(cases(CREATE_SHAPES, CONFIG_FIELD_SUPPORT, CONFIG_SAMPLES))('$field', async ({ field, support, sample }) => {
    if ('test' in sample) return expect(integrationTest(sample.test as string)).toContain(field)
    const { value } = sample as { readonly value: unknown }
    const request = readFields({ [field]: value }, CREATE_SHAPES) as ContainerCreateRequest
    checkConfig(request)
    if (support === 'kept')
      return expect(fullConfig(mergeConfig({ Cmd: ['a'], ...request }, {}))).toMatchObject(request)
    expect(await consequences(request)).not.toEqual(await consequences({}))
  })
})

const ENDPOINT_SAMPLES: Readonly<Record<string, unknown>> = {
  Aliases: ['db'],
  DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' },
  IPAMConfig: { IPv4Address: '10.9.0.7' },
  Links: ['db:store'],
  MacAddress: '02:42:0a:09:00:07',
}

describe('every field of an endpoint', () => {
  it.each(cases(ENDPOINT_SHAPES, ENDPOINT_FIELD_SUPPORT, {}))('$field', ({ field, support }) => {
    expect(support).toBe(field in ENDPOINT_SAMPLES ? 'works' : 'kept')
    const EndpointsConfig = { front: { [field]: ENDPOINT_SAMPLES[field] ?? null } }
    const { NetworkingConfig } = readFields(
      { NetworkingConfig: { EndpointsConfig } },
      CREATE_SHAPES,
    ) as ContainerCreateRequest
    const endpoints = NetworkingConfig?.EndpointsConfig ?? {}
    const asked = sandboxRequestOf(aRecord({ networkMode: 'front', endpoints }), {})
    expect(asked.endpoints['front']).toEqual(support === 'works' ? EndpointsConfig.front : {})
    expect(() => checkRequest(asked)).not.toThrow()
  })
})

it('nothing is said of fields that Docker does not have', () => {
  expect(Object.keys(HOST_FIELD_SUPPORT).sort()).toEqual(Object.keys(HOST_CONFIG_SHAPES).sort())
  expect(Object.keys(ENDPOINT_FIELD_SUPPORT).sort()).toEqual(Object.keys(ENDPOINT_SHAPES).sort())
  expect(Object.keys(CONFIG_FIELD_SUPPORT).sort()).toEqual(Object.keys(CREATE_SHAPES).sort())
})

function integrationTest(name: string): string {
  return readFileSync(`test/integration/containers/${name}.test.ts`, 'utf8')
}
