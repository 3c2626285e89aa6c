import { describe, it } from 'vitest'
import { busyboxArchive } from '../../support/busybox-image.ts'
import type { Script } from '../support/script.ts'
import { twoEngines } from '../support/two-engines.ts'

const image = await busyboxArchive({
  files: {
    'srv/page': 'a page',
    'etc/group': 'root:x:0:\nweb:x:33:\nextra:x:50:web\n',
    'data/seed': 'seed\n',
  },
})
const { agree } = twoEngines({ subnet: 231, images: [image] })

interface Wish {
  readonly what: string
  /** For a shell. */
  readonly line: string
  readonly request: object
}

/** Runs a line in a container to its end, and notes what it printed and how it ended; or that it does not start, and why. */
async function runWith(script: Script, { what, line, request }: Wish): Promise<void> {
  const body = { Image: 'busybox:test', Cmd: ['sh', '-c', `exec 2>&1; ${line}`], ...request }
  const made = await script.quietly('POST', '/containers/create', body)
  const id = String(made['Id'])
  const { message } = made['Id'] === undefined ? made : await script.quietly('POST', `/containers/${id}/start`)
  if (message !== undefined) return script.tell(`run with ${what}`, { refused: message })
  const { StatusCode } = await script.quietly('POST', `/containers/${id}/wait`)
  const { body: output } = await script.http.call('GET', `/v1.41/containers/${id}/logs?stdout=1`)
  script.tell(`run with ${what}`, { code: StatusCode, printed: linesOf(output) })
}

/** Frames of a log, and of a terminal's the bytes as they are. */
function linesOf(bytes: Buffer): readonly string[] {
  let text = ''
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes[offset] !== 1) return bytes.toString().split('\n')
    const length = bytes.readUInt32BE(offset + 4)
    text += bytes.toString('utf8', offset + 8, offset + 8 + length)
    offset += 8 + length
  }
  return text.split('\n')
}

const CGROUP = '/sys/fs/cgroup'
const STATUS = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status"
const MIB = 2 ** 20

describe('a command in a container', () => {
  it.each<[string, string, object]>([
    ['nothing', `${STATUS}; cat /proc/self/limits; umask; pwd`, {}],
    ['nothing, of its mounts', "cut -d' ' -f5,6 /proc/self/mountinfo | sort", {}],
    ['nothing, of its kernel settings', 'ls -l /proc/self/ns | wc -l; ls /sys; cat /proc/sys/kernel/shmmax', {}],
    ['a terminal', 'tty; stty size; echo $TERM; stat -c %a /dev/console', { Tty: true }],
    ['names', 'hostname; hostname -f; cat /etc/hosts', { Hostname: 'h', Domainname: 'd.example' }],
    ['a user by name', `id; ${STATUS}; echo $HOME`, { User: 'web' }],
    ['a user and a group by number', 'id', { User: '4321:8765' }],
    ['a user who is not there', 'id', { User: 'ghost' }],
    ['a group who is not there', 'id', { User: '0:ghosts' }],
    ['further groups', 'id', { HostConfig: { GroupAdd: ['extra', '77'] } }],
    ['a directory that is not there', 'pwd; ls -ld /a /a/b', { WorkingDir: '/a/b' }],
    ['variables', 'env | sort', { Env: ['A=1', 'PATH=/bin:/x', 'EMPTY='], Hostname: 'h' }],
    ['capabilities', STATUS, { HostConfig: { CapAdd: ['NET_ADMIN', 'SYS_TIME'], CapDrop: ['MKNOD', 'CHOWN'] } }],
    ['no capabilities', STATUS, { HostConfig: { CapDrop: ['ALL'] } }],
    ['capabilities of a user', STATUS, { User: 'web', HostConfig: { CapAdd: ['NET_ADMIN'] } }],
    ['no new privileges', STATUS, { HostConfig: { SecurityOpt: ['no-new-privileges'] } }],
    ['no filter', STATUS, { HostConfig: { SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'] } }],
    ['open paths', 'mount | grep -c " on /proc/"', { HostConfig: { SecurityOpt: ['systempaths=unconfined'] } }],
    [
      'own paths',
      'mount | grep " on /proc/"',
      { HostConfig: { MaskedPaths: ['/proc/kcore'], ReadonlyPaths: ['/proc/sys'] } },
    ],
    ['an init', 'cat /proc/1/comm; ps -o comm', { HostConfig: { Init: true } }],
    ['limits', 'ulimit -a', { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 321, Hard: 654 }] } }],
    ['kernel parameters', 'sysctl net.ipv4.ip_forward', { HostConfig: { Sysctls: { 'net.ipv4.ip_forward': '0' } } }],
    ['a parameter of the host', 'true', { HostConfig: { Sysctls: { 'kernel.panic': '1' } } }],
    ['a score', 'cat /proc/self/oom_score_adj', { HostConfig: { OomScoreAdj: 321 } }],
    ['a root to read', 'touch /x; touch /dev/shm/x; touch /tmp/x', { HostConfig: { ReadonlyRootfs: true } }],
    ['shared memory', 'df -k /dev/shm; ls -ld /dev/shm', { HostConfig: { ShmSize: 2 * MIB } }],
    ['no shared memory', 'mount | grep -c shm', { HostConfig: { IpcMode: 'none' } }],
    [
      'memory to write to',
      "mount | grep ' /m'; ls -ld /m",
      { HostConfig: { Tmpfs: { '/m': 'size=1m,mode=700,uid=33' } } },
    ],
    ["the host's user namespace", 'cat /proc/self/uid_map', { HostConfig: { UsernsMode: 'host' } }],
    ['a user namespace of another', 'true', { HostConfig: { UsernsMode: 'private' } }],
    [
      'a control group of its own',
      'cut -d: -f3 /proc/self/cgroup | sort -u',
      { HostConfig: { CgroupnsMode: 'private' } },
    ],
    [
      'name servers',
      'cat /etc/resolv.conf',
      { HostConfig: { Dns: ['9.9.9.9'], DnsSearch: ['e.org'], DnsOptions: ['ndots:2'] } },
    ],
    ['further hosts', 'grep other /etc/hosts', { HostConfig: { ExtraHosts: ['other:1.2.3.4', 'other6:fd00::1'] } }],
    ['no network', 'ip -o addr; cat /etc/hosts | grep -c host', { HostConfig: { NetworkMode: 'none' }, Hostname: 'h' }],
    [
      'a device',
      'stat -c "%A %t,%T" /dev/k; head -c1 /dev/k >/dev/null; echo $?',
      { HostConfig: { Devices: [device('/dev/kmsg', '/dev/k', 'm')] } },
    ],
    ['a volume', 'ls -l /data; touch /data/x && echo written', { HostConfig: { Binds: ['data:/data'] } }],
    ['a volume without a copy', 'ls /data | wc -l', { HostConfig: { Binds: ['empty:/data:nocopy'] } }],
    ['mounts', "mount | grep -E ' /(r|t) ' | cut -d' ' -f3,6", { HostConfig: { Mounts: [bind('/r'), memory('/t')] } }],
  ])('has, asked for %s, the same', (what, line, request) => agree(script => runWith(script, { what, line, request })))

  it.each<[string, string, object]>([
    ['Memory', 'memory/memory.limit_in_bytes', { Memory: 64 * MIB }],
    ['MemorySwap', 'memory/memory.memsw.limit_in_bytes', { Memory: 64 * MIB, MemorySwap: 96 * MIB }],
    ['MemorySwap by itself', 'memory/memory.memsw.limit_in_bytes', { Memory: 64 * MIB }],
    ['MemoryReservation', 'memory/memory.soft_limit_in_bytes', { MemoryReservation: 32 * MIB }],
    ['MemorySwappiness', 'memory/memory.swappiness', { MemorySwappiness: 7 }],
    ['OomKillDisable', 'memory/memory.oom_control', { OomKillDisable: true, Memory: 64 * MIB }],
    ['CpuShares', 'cpu/cpu.shares', { CpuShares: 512 }],
    ['CpuQuota', 'cpu/cpu.cfs_quota_us', { CpuPeriod: 50_000, CpuQuota: 20_000 }],
    ['NanoCpus', 'cpu/cpu.cfs_quota_us', { NanoCpus: 3e8 }],
    ['CpusetCpus', 'cpuset/cpuset.cpus', { CpusetCpus: '0' }],
    ['PidsLimit', 'pids/pids.max', { PidsLimit: 20 }],
    ['PidsLimit without end', 'pids/pids.max', { PidsLimit: -1 }],
    ['BlkioWeight', 'blkio/blkio.throttle.read_bps_device', { BlkioWeight: 300 }],
  ])('is limited by %s the same', (what, file, HostConfig) =>
    agree(script => runWith(script, { what, line: `cat ${CGROUP}/${file}`, request: { HostConfig } })),
  )
})

function device(PathOnHost: string, PathInContainer: string, CgroupPermissions: string): object {
  return { PathOnHost, PathInContainer, CgroupPermissions }
}

function bind(Target: string): object {
  return { Type: 'bind', Source: '/etc', Target, ReadOnly: true }
}

function memory(Target: string): object {
  return { Type: 'tmpfs', Target, TmpfsOptions: { SizeBytes: 65_536, Mode: 0o1770 } }
}
