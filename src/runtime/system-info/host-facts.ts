import { readdir, readFile, statfs } from 'node:fs/promises'
import { arch, availableParallelism, release, totalmem } from 'node:os'

/** What does not change while the engine runs. */
export interface HostDescription {
  readonly operatingSystem: string
  readonly osVersion: string
  readonly kernel: string
  /** As the kernel names it: `x86_64`. */
  readonly machine: string
  /** As images name it: `amd64`. */
  readonly architecture: string
  readonly cpus: number
  readonly memoryBytes: number
  /** Of the data root, as docker names it: `extfs`. */
  readonly fileSystem: string
  readonly appArmor: boolean
}

/** What may change at any time. */
export interface HostState {
  readonly ipv4Forwarding: boolean
  readonly bridgeFilterIpv4: boolean
  readonly bridgeFilterIpv6: boolean
  readonly openFiles: number
}

const MACHINES: Readonly<Record<string, { readonly machine: string; readonly architecture: string }>> = {
  x64: { machine: 'x86_64', architecture: 'amd64' },
  arm64: { machine: 'aarch64', architecture: 'arm64' },
}

/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x794c7630: 'overlayfs',
}

export async function describeHost(dataRoot: string): Promise<HostDescription> {
  const osRelease = await textOf('/etc/os-release')
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1]
  const { type } = await statfs(dataRoot)
  return {
    operatingSystem: field('PRETTY_NAME') ?? 'Linux',
    osVersion: field('VERSION_ID') ?? '',
    kernel: release(),
    ...(MACHINES[arch()] ?? { machine: arch(), architecture: arch() }),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    fileSystem: FILE_SYSTEMS[type] ?? '<unknown>',
    appArmor: (await textOf('/sys/module/apparmor/parameters/enabled')).startsWith('Y'),
  }
}

export async function readHostState(): Promise<HostState> {
  const isOn = async (name: string): Promise<boolean> => (await textOf(`/proc/sys/net/${name}`)).trim() === '1'
  const [ipv4Forwarding, bridgeFilterIpv4, bridgeFilterIpv6, files] = await Promise.all([
    isOn('ipv4/ip_forward'),
    isOn('bridge/bridge-nf-call-iptables'),
    isOn('bridge/bridge-nf-call-ip6tables'),
    readdir('/proc/self/fd'),
  ])
  return { ipv4Forwarding, bridgeFilterIpv4, bridgeFilterIpv6, openFiles: files.length }
}

/** Empty if there is no such file. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
