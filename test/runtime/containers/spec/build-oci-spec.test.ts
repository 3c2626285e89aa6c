import { describe, expect, it } from 'vitest'
import type { ContainerConfig, HostConfig } from '../../../../src/docker-api/index.ts'
import { buildOciSpec, type SpecInput } from '../../../../src/runtime/containers/spec/build-oci-spec.ts'
import type { OciSpec } from '../../../../src/runtime/containers/spec/oci-types.ts'
import { someFacts } from '../support.ts'

function spec(config: ContainerConfig = {}, host: HostConfig = {}, rest: Partial<SpecInput> = {}): OciSpec {
  return buildOciSpec({
    config: { Cmd: ['run'], ...config },
    host,
    hostname: 'web',
    rootPath: '/roots/web',
    user: { uid: 0, gid: 0, additionalGids: [] },
    mounts: [],
    sandbox: {
      id: 'web',
      netnsPath: '/run/netns/web',
      networks: {},
      ports: {},
      files: { hostname: '/f/hostname', hosts: '/f/hosts', resolvConf: '/f/resolv' },
    },
    cgroupsPath: '/shoal/web',
    facts: someFacts(),
    devices: [],
    blockDevices: new Map(),
    joined: {},
    ...rest,
  })
}

const mountAt = (built: OciSpec, destination: string) => built.mounts.filter(mount => mount.destination === destination)

describe('the OCI spec of a container', () => {
  it.each<[string, ContainerConfig, readonly string[]]>([
    ['a command', { Cmd: ['a', 'b'] }, ['a', 'b']],
    ['an entrypoint with a command', { Entrypoint: ['e'], Cmd: ['a'] }, ['e', 'a']],
    ['an entrypoint alone', { Entrypoint: ['e', 'f'], Cmd: null }, ['e', 'f']],
  ])('runs %s', (_what, config, args) => {
    expect(spec(config).process.args).toEqual(args)
  })

  it('puts an init before the command', () => {
    const built = spec({}, { Init: true }, { initPath: '/usr/bin/tini' })
    expect(built.process.args).toEqual(['/sbin/docker-init', '--', 'run'])
    expect(mountAt(built, '/sbin/docker-init')[0]?.source).toBe('/usr/bin/tini')
  })

  it('gives variables: docker its own, then the image and the request', () => {
    expect(spec({ Env: ['A=1', 'PATH=/mine'], Tty: true }).process.env).toEqual([
      'PATH=/mine',
      'HOSTNAME=web',
      'TERM=xterm',
      'A=1',
    ])
  })

  it.each<[string, HostConfig, object | undefined]>([
    ['memory alone: as much swap again', { Memory: 100 }, { limit: 100, swap: 200 }],
    ['memory and swap', { Memory: 100, MemorySwap: 150 }, { limit: 100, swap: 150 }],
    ['unlimited swap', { Memory: 100, MemorySwap: -1 }, { limit: 100, swap: -1 }],
    ['a reservation', { MemoryReservation: 50 }, { reservation: 50 }],
    ['nothing', {}, undefined],
  ])('limits %s', (_what, host, memory) => {
    expect(spec({}, host).linux.resources.memory).toEqual(memory)
  })

  it('leaves swap out where the kernel cannot limit it', () => {
    const facts = someFacts({ abilities: { ...someFacts().abilities, swap: false } })
    expect(spec({}, { Memory: 100 }, { facts }).linux.resources.memory).toEqual({ limit: 100 })
  })

  it.each<[string, HostConfig, object | undefined]>([
    ['NanoCpus', { NanoCpus: 1.5e9 }, { quota: 150_000, period: 100_000 }],
    ['quota and period', { CpuQuota: 5_000, CpuPeriod: 10_000 }, { quota: 5_000, period: 10_000 }],
    ['shares and a set', { CpuShares: 512, CpusetCpus: '0-1' }, { shares: 512, cpus: '0-1' }],
    ['nothing', {}, undefined],
  ])('limits cpu by %s', (_what, host, cpu) => {
    expect(spec({}, host).linux.resources.cpu).toEqual(cpu)
  })

  it.each([
    [10, { limit: 10 }],
    [0, undefined],
    [-1, undefined],
    [null, undefined],
  ])('limits pids to %s', (PidsLimit, pids) => {
    expect(spec({}, { PidsLimit }).linux.resources.pids).toEqual(pids)
  })

  it('gives no capability to who is not root, but keeps the bounding set', () => {
    const { capabilities } = spec({}, {}, { user: { uid: 1, gid: 1, additionalGids: [] } }).process
    expect(capabilities.effective).toEqual([])
    expect(capabilities.bounding).toContain('CAP_CHOWN')
  })

  it('joins the network namespace it is given, and none for host', () => {
    const joined = spec().linux.namespaces.find(({ type }) => type === 'network')
    expect(joined).toEqual({ type: 'network', path: '/run/netns/web' })
    const sandbox = { id: 'web', networks: {}, ports: {}, files: { hostname: '', hosts: '', resolvConf: '' } }
    const host = spec({}, { NetworkMode: 'host' }, { sandbox })
    expect(host.linux.namespaces.map(({ type }) => type)).not.toContain('network')
    expect(host.linux.sysctl).toEqual({})
  })

  it('has a cgroup namespace on v2 only', () => {
    const types = (cgroupVersion: '1' | '2') =>
      spec({}, {}, { facts: someFacts({ cgroupVersion }) }).linux.namespaces.map(({ type }) => type)
    expect(types('2')).toContain('cgroup')
    expect(types('1')).not.toContain('cgroup')
  })

  it('lets own mounts replace defaults and the network files, parents before children', () => {
    const own = (destination: string) => ({
      point: { Type: 'bind', Source: '/s', Destination: destination, Mode: '', RW: true, Propagation: '' } as const,
      type: 'bind' as const,
      source: '/s',
      destination,
      options: ['rbind'],
      copyUp: false,
    })
    const built = spec({}, {}, { mounts: [own('/data/deep'), own('/data'), own('/dev/shm'), own('/etc/hosts')] })
    expect(mountAt(built, '/dev/shm')).toHaveLength(1)
    expect(mountAt(built, '/etc/hosts').map(({ source }) => source)).toEqual(['/s'])
    const order = built.mounts.map(({ destination }) => destination)
    expect(order.indexOf('/data')).toBeLessThan(order.indexOf('/data/deep'))
  })

  it('hides the host from an ordinary container and not from a privileged one', () => {
    const ordinary = spec()
    const privileged = spec({}, { Privileged: true })
    expect(ordinary.linux.maskedPaths).toContain('/proc/kcore')
    expect(ordinary.linux.seccomp).toBeDefined()
    expect(mountAt(ordinary, '/sys')[0]?.options).toContain('ro')
    expect(privileged.linux.maskedPaths).toEqual([])
    expect(privileged.linux.seccomp).toBeUndefined()
    expect(mountAt(privileged, '/sys')[0]?.options).toContain('rw')
    expect(privileged.linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }])
  })

  it.each([
    [['apparmor=mine'], false, 'mine'],
    [['apparmor=mine'], true, undefined],
    [['apparmor=unconfined'], false, undefined],
    [['apparmor=mine', 'apparmor:unconfined'], false, undefined],
    [[], false, undefined],
  ])('confines with %j (privileged: %s) to the AppArmor profile %s', (SecurityOpt, Privileged, profile) => {
    expect(spec({}, { SecurityOpt, Privileged }).process.apparmorProfile).toBe(profile)
  })

  it('writes what else was asked for', () => {
    const built = spec(
      { WorkingDir: '/srv', Domainname: 'example.org' },
      {
        ReadonlyRootfs: true,
        SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'],
        Sysctls: { 'net.core.somaxconn': '1024' },
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
        OomScoreAdj: -5,
        ShmSize: 1024,
      },
    )
    expect(built.root).toEqual({ path: '/roots/web', readonly: true })
    expect(built.process).toMatchObject({ cwd: '/srv', noNewPrivileges: true, oomScoreAdj: -5 })
    expect(built.process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }])
    expect(built.linux.seccomp).toBeUndefined()
    expect(built.linux.sysctl).toMatchObject({ 'net.core.somaxconn': '1024', 'kernel.domainname': 'example.org' })
    expect(mountAt(built, '/dev/shm')[0]?.options).toContain('size=1024')
    expect(mountAt(built, '/etc/hosts')[0]?.options).toContain('ro')
  })
})
