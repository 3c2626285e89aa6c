import type { OptionDefinition } from '../../../command.ts'

/** How the text of a flag becomes the value of a field: by its name in `read-fields.ts`. */
export type Reader =
  | 'text'
  | 'on'
  | 'integer'
  | 'bytes'
  | 'limit'
  | 'swappiness'
  | 'cpus'
  | 'restart'
  | 'pid'
  | 'uts'
  | 'userns'
  | 'cgroupns'
  | Repeated

type Repeated = (typeof REPEATED)[number]

/** Readers of flags that may be given several times. */
export const REPEATED = [
  'list',
  'pairs',
  'sysctls',
  'storage',
  'ulimits',
  'devices',
  'rules',
  'rates',
  'counts',
  'weights',
  'tmpfs',
  'mounts',
  'hosts',
  'servers',
  'domains',
  'links',
  'security',
] as const

export const isRepeated = (reader: Reader): reader is Repeated => (REPEATED as readonly Reader[]).includes(reader)

export type Line = readonly [flags: string, field: string, reader: Reader, summary: string]

/** Flags that set one field of the request each: what they are called, which field, how they are read. */
export const FIELD_LINES: readonly Line[] = [
  ['-h, --hostname <name>', 'Hostname', 'text', 'host name of the container'],
  ['--domainname <name>', 'Domainname', 'text', 'domain name of the container'],
  ['-u, --user <user>', 'User', 'text', 'user or user:group to run as'],
  ['-w, --workdir <directory>', 'WorkingDir', 'text', 'directory to run in'],
  ['-t, --tty', 'Tty', 'on', 'give it a terminal'],
  ['--stop-signal <signal>', 'StopSignal', 'text', 'signal that stops it'],
  ['--stop-timeout <seconds>', 'StopTimeout', 'integer', 'how long it may take to stop'],
  ['--rm', 'HostConfig.AutoRemove', 'on', 'remove it when it ends'],
  ['--init', 'HostConfig.Init', 'on', 'run an init that forwards signals and reaps processes'],
  ['--privileged', 'HostConfig.Privileged', 'on', 'with all rights'],
  ['--read-only', 'HostConfig.ReadonlyRootfs', 'on', 'its root cannot be written to'],
  ['-P, --publish-all', 'HostConfig.PublishAllPorts', 'on', 'publish all exposed ports on random ones'],
  ['--oom-kill-disable', 'HostConfig.OomKillDisable', 'on', 'never end it for its memory'],
  ['--oom-score-adj <number>', 'HostConfig.OomScoreAdj', 'integer', 'how soon the kernel ends it, -1000 to 1000'],
  ['--restart <policy>', 'HostConfig.RestartPolicy', 'restart', 'no, always, unless-stopped or on-failure[:times]'],
  ['-v, --volume <volume>', 'HostConfig.Binds', 'list', 'mount: /host:/path[:ro], name:/path, /path'],
  ['--mount <mount>', 'HostConfig.Mounts', 'mounts', 'mount: type=bind|volume|tmpfs,src=,dst=,readonly'],
  ['--tmpfs <path>', 'HostConfig.Tmpfs', 'tmpfs', 'memory at a path: /run[:size=64m]'],
  ['--volumes-from <container>', 'HostConfig.VolumesFrom', 'list', 'mounts of another container'],
  ['--volume-driver <name>', 'HostConfig.VolumeDriver', 'text', 'driver of new volumes'],
  ['-m, --memory <bytes>', 'HostConfig.Memory', 'bytes', 'limit of memory'],
  ['--memory-reservation <bytes>', 'HostConfig.MemoryReservation', 'bytes', 'soft limit of memory'],
  ['--memory-swap <bytes>', 'HostConfig.MemorySwap', 'limit', 'limit of memory and swap; -1: none'],
  ['--memory-swappiness <number>', 'HostConfig.MemorySwappiness', 'swappiness', 'how eagerly it is swapped, 0 to 100'],
  ['--kernel-memory <bytes>', 'HostConfig.KernelMemory', 'bytes', 'no engine limits it any more'],
  ['--shm-size <bytes>', 'HostConfig.ShmSize', 'bytes', 'size of /dev/shm'],
  ['--cpus <number>', 'HostConfig.NanoCpus', 'cpus', 'number of CPUs'],
  ['-c, --cpu-shares <number>', 'HostConfig.CpuShares', 'integer', 'share of the CPU, relative'],
  ['--cpu-period <us>', 'HostConfig.CpuPeriod', 'integer', 'period of the CPU limit'],
  ['--cpu-quota <us>', 'HostConfig.CpuQuota', 'integer', 'CPU time in each period'],
  ['--cpu-rt-period <us>', 'HostConfig.CpuRealtimePeriod', 'integer', 'real-time period'],
  ['--cpu-rt-runtime <us>', 'HostConfig.CpuRealtimeRuntime', 'integer', 'real-time in each period'],
  ['--cpuset-cpus <list>', 'HostConfig.CpusetCpus', 'text', 'CPUs it may use: 0-3, 0,1'],
  ['--cpuset-mems <list>', 'HostConfig.CpusetMems', 'text', 'memory nodes it may use'],
  ['--pids-limit <number>', 'HostConfig.PidsLimit', 'integer', 'limit of processes; -1: none'],
  ['--blkio-weight <number>', 'HostConfig.BlkioWeight', 'integer', 'share of block devices, 10 to 1000'],
  ['--blkio-weight-device <device:weight>', 'HostConfig.BlkioWeightDevice', 'weights', 'the same of one device'],
  ['--device-read-bps <device:rate>', 'HostConfig.BlkioDeviceReadBps', 'rates', 'limit of reading, bytes a second'],
  ['--device-write-bps <device:rate>', 'HostConfig.BlkioDeviceWriteBps', 'rates', 'limit of writing, bytes a second'],
  ['--device-read-iops <device:rate>', 'HostConfig.BlkioDeviceReadIOps', 'counts', 'limit of reads a second'],
  ['--device-write-iops <device:rate>', 'HostConfig.BlkioDeviceWriteIOps', 'counts', 'limit of writes a second'],
  ['--ulimit <name=soft[:hard]>', 'HostConfig.Ulimits', 'ulimits', 'limit of a process'],
  ['--cap-add <name>', 'HostConfig.CapAdd', 'list', 'add a capability'],
  ['--cap-drop <name>', 'HostConfig.CapDrop', 'list', 'drop a capability'],
  ['--security-opt <option>', 'HostConfig.SecurityOpt', 'security', 'security option'],
  ['--device <device>', 'HostConfig.Devices', 'devices', 'a device of the host: /dev/x[:/dev/y[:rwm]]'],
  ['--device-cgroup-rule <rule>', 'HostConfig.DeviceCgroupRules', 'rules', 'rule for devices'],
  ['--group-add <group>', 'HostConfig.GroupAdd', 'list', 'another group of the user'],
  ['--sysctl <name=value>', 'HostConfig.Sysctls', 'sysctls', 'kernel parameter'],
  ['--storage-opt <name=value>', 'HostConfig.StorageOpt', 'storage', 'option of the storage'],
  ['--annotation <name=value>', 'HostConfig.Annotations', 'pairs', 'annotation for the runtime'],
  ['--add-host <name:address>', 'HostConfig.ExtraHosts', 'hosts', 'a line of /etc/hosts'],
  ['--dns <address>', 'HostConfig.Dns', 'servers', 'name server'],
  ['--dns-option <option>', 'HostConfig.DnsOptions', 'list', 'option of the resolver'],
  ['--dns-search <domain>', 'HostConfig.DnsSearch', 'domains', 'search domain'],
  ['--link <container[:alias]>', 'HostConfig.Links', 'links', 'reach another container by a name'],
  ['--cgroup-parent <path>', 'HostConfig.CgroupParent', 'text', 'parent of its control group'],
  ['--cgroupns <mode>', 'HostConfig.CgroupnsMode', 'cgroupns', 'control group namespace: host or private'],
  ['--ipc <mode>', 'HostConfig.IpcMode', 'text', 'IPC namespace'],
  ['--pid <mode>', 'HostConfig.PidMode', 'pid', 'process namespace: host or container:<name>'],
  ['--uts <mode>', 'HostConfig.UTSMode', 'uts', 'UTS namespace: host'],
  ['--userns <mode>', 'HostConfig.UsernsMode', 'userns', 'user namespace: host'],
  ['--runtime <name>', 'HostConfig.Runtime', 'text', 'OCI runtime'],
  ['--isolation <name>', 'HostConfig.Isolation', 'text', 'isolation technology'],
  ['--log-driver <name>', 'HostConfig.LogConfig.Type', 'text', 'json-file, local or none'],
  ['--log-opt <name=value>', 'HostConfig.LogConfig.Config', 'pairs', 'option of the log driver'],
]

export const FIELD_FLAGS: readonly OptionDefinition[] = FIELD_LINES.map(([flags, , reader, summary]) => ({
  flags,
  summary,
  ...(isRepeated(reader) ? { repeatable: true } : {}),
}))
