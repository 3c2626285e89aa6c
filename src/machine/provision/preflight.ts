import { conflict } from '../../core/errors.ts'
import { compareVersions, familyOf, packagesFor, whyNoPackages } from '../hosts/os-table.ts'
import type { Machine } from '../model/machine.ts'
import { isOwnStore, plainStore } from './daemon-words.ts'
import type { Owner } from './facts/host-facts.ts'
import type { Scene } from './step.ts'
import { isOursToStart } from './steps/docker-config.ts'
import type { Wish } from './wish.ts'

/** What is wrong with a host, and what to do. */
export interface Finding {
  readonly check: string
  /** A warning is told; all else stops. `wait`: passes by itself. */
  readonly weight: 'stop' | 'wait' | 'warn'
  readonly message: string
}

interface Check {
  readonly name: string
  readonly weight: Finding['weight']
  /** What is wrong and what to do; undefined: nothing. */
  readonly find: (scene: Scene) => string | undefined
}

const MIB = 1024 ** 2
/** The bundle unpacked, and as much again while another takes its place. */
const PROGRAM_BYTES_MIN = 600 * MIB
const DATA_BYTES_MIN = 1024 * MIB
const DATA_BYTES_LOW = 4 * 1024 * MIB
const MEMORY_BYTES_MIN = 384 * MIB
/** Certificates are valid from five minutes before they were made. */
const CLOCK_S_MAX = 60
const CLOCK_S_LOW = 5
/** User namespaces in mounts, pidfd and the new mount calls. */
const KERNEL_MIN = '5.4'
/** Debian 11's 0.9.8 maps to no address together with a port, and cannot read a socket. */
const NFT_MIN = '1.0'
/** What the pinned Node is linked with, which is older than what its native packages are. */
export const GLIBC_MIN = '2.28'

const CHECKS: readonly Check[] = [
  {
    name: 'os',
    weight: 'stop',
    find({ facts: { os, image, missing }, wish }) {
      if (missing.size === 0) return undefined
      const name = os['PRETTY_NAME'] ?? 'This system'
      const all = [...missing].join(', ')
      const why = wish.packageDirectory === undefined ? whyNoPackages(os, missing) : undefined
      if (why !== undefined) return why
      if (image !== undefined) {
        const how = image === 'ostree' ? 'made by ostree' : `an image (${image} is read-only)`
        return `${name} is ${how}, so that no packages are installed, and it has no ${all}: put them into the image`
      }
      return familyOf(os) === undefined
        ? `${name} is none that packages are known for: install ${all} yourself`
        : undefined
    },
  },
  {
    name: 'C library',
    weight: 'stop',
    find({ facts: { libc } }) {
      const [kind = '', version = ''] = libc.split(' ')
      if (kind === '' || (kind === 'glibc' && compareVersions(version, GLIBC_MIN) >= 0)) return undefined
      return `Its C library is ${libc}, and the Node that comes with Shoal needs glibc ${GLIBC_MIN} or later: choose a system that has it`
    },
  },
  {
    name: 'architecture',
    weight: 'stop',
    find: ({ facts, wish }) =>
      facts.architecture === wish.bundle.architecture
        ? undefined
        : `It is ${facts.architecture}, and the bundle is for ${wish.bundle.architecture}: make a bundle on such a host`,
  },
  {
    name: 'nftables',
    weight: 'stop',
    find: ({ facts: { nft }, wish }) =>
      nft !== undefined && wish.needed.includes('nft') && compareVersions(nft, NFT_MIN) < 0
        ? `Its nftables ${nft} is older than ${NFT_MIN}, and does not know the rules of container networks: upgrade the system`
        : undefined,
  },
  {
    name: 'kernel',
    weight: 'stop',
    find: ({ facts }) =>
      compareVersions(facts.kernel, KERNEL_MIN) < 0
        ? `Its kernel ${facts.kernel} is older than ${KERNEL_MIN}: upgrade it`
        : undefined,
  },
  {
    name: 'kernel features',
    weight: 'stop',
    find({ facts, wish }) {
      const needed = wish.machine.engine.kind === 'docker' ? [] : ['overlay', 'nf_tables', 'veth', 'bridge']
      const lacking = needed.filter(name => !facts.features.has(name) && !facts.unsure.has(name))
      return lacking.length === 0
        ? undefined
        : `Its kernel has no ${lacking.join(', ')}: install the distribution's full kernel (linux-modules-extra or alike)`
    },
  },
  {
    name: 'cgroup',
    weight: 'stop',
    find: ({ facts }) =>
      facts.cgroup === ''
        ? 'Nothing is mounted on /sys/fs/cgroup: mount cgroup2 there, or boot with systemd'
        : undefined,
  },
  {
    name: 'disk',
    weight: 'stop',
    find({ facts, wish }) {
      const isThere = facts.current.endsWith(wish.bundle.digest.slice(0, 12))
      const opt = facts.diskFree['/opt'] ?? Number.POSITIVE_INFINITY
      const data = facts.diskFree['/var/lib'] ?? Number.POSITIVE_INFINITY
      if (!isThere && opt < PROGRAM_BYTES_MIN) return roomFor('/opt', opt, PROGRAM_BYTES_MIN)
      return facts.services.get('agent')?.active !== true && data < DATA_BYTES_MIN
        ? roomFor('/var/lib', data, DATA_BYTES_MIN)
        : undefined
    },
  },
  {
    name: 'disk',
    weight: 'warn',
    find({ facts }) {
      const data = facts.diskFree['/var/lib'] ?? Number.POSITIVE_INFINITY
      return data >= DATA_BYTES_MIN && data < DATA_BYTES_LOW
        ? `Only ${mib(data)} MiB are free below /var/lib, which images and volumes share`
        : undefined
    },
  },
  {
    name: 'memory',
    weight: 'warn',
    find: ({ facts }) =>
      facts.memoryBytes < MEMORY_BYTES_MIN ? `It has only ${mib(facts.memoryBytes)} MiB of memory` : undefined,
  },
  {
    name: 'clock',
    weight: 'stop',
    find: ({ facts: { clockAheadS } }) =>
      Math.abs(clockAheadS) > CLOCK_S_MAX
        ? `Its clock is ${clockWords(clockAheadS)}, so that certificates would not hold: set it (timedatectl set-ntp true, or date)`
        : undefined,
  },
  {
    name: 'clock',
    weight: 'warn',
    find: ({ facts: { clockAheadS } }) =>
      Math.abs(clockAheadS) > CLOCK_S_LOW && Math.abs(clockAheadS) <= CLOCK_S_MAX
        ? `Its clock is ${clockWords(clockAheadS)}`
        : undefined,
  },
  {
    name: 'cluster',
    weight: 'stop',
    find({ facts: { owner, joined }, wish }) {
      // A cluster that the machine itself keeps is its own at whatever address it is.
      if (isSame(owner, wish.machine) && keepsStore(wish.machine)) return undefined
      const other = foreignCluster(owner.cluster ?? joined, wish)
      return other === undefined
        ? undefined
        : `It is a member of another cluster (${other}): run swarm leave there, or \`machine rm\` from where it was made`
    },
  },
  {
    name: 'machine',
    weight: 'stop',
    find: ({ facts: { owner }, wish: { machine } }) =>
      owner.machine === undefined || owner.machine === machine.name || isSame(owner, machine)
        ? undefined
        : `It is provisioned as machine "${owner.machine}": use that name, or remove that machine first`,
  },
  {
    name: 'ports',
    weight: 'stop',
    find({ facts, wish }) {
      // Ports that a service of ours has are its own.
      const isOurs = [...facts.services.values()].some(({ active }) => active)
      const ports = wish.ports.filter(port => port.endsWith('/tcp')).map(port => Number.parseInt(port, 10))
      const taken = isOurs ? [] : ports.filter(port => facts.listening.has(port))
      return taken.length === 0
        ? undefined
        : `Something listens on port ${taken.join(', ')} there already: end it (ss -ltnp shows what), or choose another port`
    },
  },
  {
    name: 'docker',
    weight: 'stop',
    find: ({ facts, wish }) =>
      wish.machine.engine.kind === 'docker' && facts.docker === undefined && !isOursToStart(facts)
        ? 'Its Docker does not answer on /var/run/docker.sock to the command docker: start it (systemctl start docker), or leave --engine docker out'
        : undefined,
  },
  {
    name: 'docker',
    weight: 'warn',
    find: ({ facts, wish }) =>
      wish.machine.engine.kind === 'shoal' && (facts.docker?.containers ?? 0) > 0
        ? `Docker ${facts.docker?.version} runs ${facts.docker?.containers} containers there: they go on, but are not seen; --engine docker would keep them in sight`
        : undefined,
  },
  {
    name: 'packages',
    weight: 'wait',
    find: ({ facts }) =>
      facts.locks.length === 0 || facts.missing.size === 0
        ? undefined
        : `Packages cannot be installed now: ${facts.locks.map(lockWords).join(', ')}`,
  },
  {
    name: 'offline',
    weight: 'stop',
    find({ facts, wish }) {
      if (!wish.offline || wish.packageDirectory !== undefined || facts.missing.size === 0) return undefined
      const family = familyOf(facts.os)
      const names = family === undefined ? [...facts.missing] : packagesFor(family, facts.missing)
      return `With --offline nothing is fetched, and ${names.join(', ')} is not there: install it, or give a directory of package files`
    },
  },
  {
    name: 'firewall',
    weight: 'warn',
    find: ({ facts, wish }) =>
      facts.firewalls.includes('nft') && facts.firewalls.length === 1 && wish.ports.length > 0
        ? `Its packet filter drops what it does not know: let ${wish.ports.join(', ')} in, and ssh`
        : undefined,
  },
]

/** What is wrong with a host before anything is changed. Pure. */
export function preflight(scene: Scene): Finding[] {
  return CHECKS.flatMap(({ name, weight, find }): Finding[] => {
    const message = find(scene)
    return message === undefined ? [] : [{ check: name, weight, message }]
  })
}

/** What ends a run for these. */
export function refused(findings: readonly Finding[], suffix = ''): Error {
  const message = findings.map(({ message }) => message).join('; ')
  return conflict('PREFLIGHT', `${message}${suffix}`, { details: { checks: findings.map(({ check }) => check) } })
}

function isSame({ id }: Owner, machine: Machine): boolean {
  return id !== undefined && id === machine.id
}

function keepsStore({ swarm }: Machine): boolean {
  return swarm?.master === true && isOwnStore(swarm.discovery)
}

/** Which other cluster a host is in; undefined: none. */
function foreignCluster(has: string | undefined, { cluster }: Wish): string | undefined {
  return has === undefined || has === '' || plainStore(has) === cluster ? undefined : has
}

function roomFor(place: string, free: number, needed: number): string {
  return `Only ${mib(free)} MiB are free below ${place}, and ${mib(needed)} are needed: the disk is full, make room`
}

function lockWords(lock: string): string {
  const [what, pid] = lock.split(' ')
  if (what === 'cloud-init') return 'cloud-init has not finished (cloud-init status --long says why)'
  // Nobody is known to hold it: whoever did may have died.
  if (pid === undefined || pid === '-') return `${what} is there (remove it if nobody installs packages)`
  return `process ${pid} holds ${what}`
}

function clockWords(aheadS: number): string {
  return `${Math.abs(aheadS)} s ${aheadS > 0 ? 'ahead' : 'behind'}`
}

function mib(bytes: number): number {
  return Math.floor(bytes / MIB)
}
