/** What Shoal needs on a host: programs, and what stands for a file, by the name under which facts tell that it is missing. */
export type Needed = keyof typeof COMMON

/** How packages are had on a family of distributions. */
export interface OsFamily {
  readonly name: string
  /** ID of os-release; then ID_LIKE is asked. */
  readonly ids: readonly string[]
  readonly packages: Readonly<Record<Needed, string>>
  /** Whose database says which packages are there. Programs of others may be on the host too, and know none of them. */
  readonly database: 'dpkg' | 'rpm' | 'apk' | 'pacman'
  /** Words before the packages' names. They wait for other installations. */
  readonly install: readonly (readonly string[])[]
  /** Words before the names of packages' files. */
  readonly installFiles: readonly string[]
  readonly remove: readonly string[]
  /** Of package files. */
  readonly suffix: string
}

const COMMON = {
  runc: 'runc',
  crun: 'crun',
  conmon: 'conmon',
  nft: 'nftables',
  ip: 'iproute2',
  mount: 'mount',
  tar: 'tar',
  gzip: 'gzip',
  flock: 'util-linux',
  setsid: 'util-linux',
  openssl: 'openssl',
  etcd: 'etcd',
  'seccomp-profile': 'containers-common',
  'libatomic.so.1': 'libatomic1',
  'libstdc++.so.6': 'libstdc++6',
  docker: 'docker',
}

/** How long others who install packages are waited for. */
export const LOCK_WAIT_S = 300
const APT = ['apt-get', '-q', '-y', '-o', `DPkg::Lock::Timeout=${LOCK_WAIT_S}`]

const RPM_PACKAGES = {
  ...COMMON,
  ip: 'iproute',
  mount: 'util-linux',
  'libatomic.so.1': 'libatomic',
  'libstdc++.so.6': 'libstdc++',
}
/** It waits for others by itself. What packages only recommend would bring another engine. */
const DNF = ['dnf', '-y', 'install', '--setopt=install_weak_deps=False']
/** One package has all the libraries of the compiler. */
const GCC_LIBRARIES = { 'libatomic.so.1': 'gcc-libs', 'libstdc++.so.6': 'gcc-libs' }

const RHEL_IDS = ['rhel', 'centos', 'rocky', 'almalinux', 'ol', 'scientific', 'eurolinux']

/** A new distribution is a row, or an ID in one. */
export const OS_FAMILIES: readonly OsFamily[] = [
  {
    name: 'Debian',
    ids: ['debian', 'ubuntu', 'raspbian', 'linuxmint', 'pop'],
    database: 'dpkg',
    packages: {
      ...COMMON,
      etcd: 'etcd-server',
      'seccomp-profile': 'golang-github-containers-common',
      docker: 'docker.io',
    },
    // An installation that was cut off is finished first: apt refuses to do anything else.
    install: [
      ['dpkg', '--configure', '-a'],
      [...APT, 'update'],
      [...APT, 'install', '--no-install-recommends'],
    ],
    installFiles: ['dpkg', '-i'],
    remove: [...APT, 'purge'],
    suffix: '.deb',
  },
  {
    name: 'Fedora',
    ids: ['fedora'],
    database: 'rpm',
    packages: { ...RPM_PACKAGES, docker: 'moby-engine' },
    install: [DNF],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['dnf', '-y', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'RHEL',
    ids: [...RHEL_IDS, 'amzn'],
    database: 'rpm',
    packages: RPM_PACKAGES,
    install: [DNF],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['dnf', '-y', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'SUSE',
    ids: ['suse', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'sles', 'sled'],
    database: 'rpm',
    packages: { ...COMMON, mount: 'util-linux', 'seccomp-profile': 'libcontainers-common' },
    install: [['zypper', '--non-interactive', 'install', '--no-recommends']],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['zypper', '--non-interactive', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'Alpine',
    ids: ['alpine', 'postmarketos'],
    database: 'apk',
    // Busybox has a mount, but not every flag; setsid of ours is asked with -f nowhere.
    packages: {
      ...COMMON,
      flock: 'flock',
      setsid: 'util-linux-misc',
      'libatomic.so.1': 'libatomic',
      'libstdc++.so.6': 'libstdc++',
    },
    install: [['apk', 'add', '--wait', String(LOCK_WAIT_S)]],
    installFiles: ['apk', 'add', '--allow-untrusted', '--no-network'],
    remove: ['apk', 'del'],
    suffix: '.apk',
  },
  {
    name: 'Arch',
    ids: ['arch', 'manjaro', 'archarm', 'endeavouros'],
    database: 'pacman',
    packages: { ...COMMON, ...GCC_LIBRARIES, mount: 'util-linux' },
    // Lists newer than what is installed would make half an upgrade of it: they are only fetched where there are none.
    install: [
      ['sh', '-c', 'ls /var/lib/pacman/sync/*.db > /dev/null 2>&1 || exec pacman -Sy --noconfirm'],
      ['pacman', '-S', '--noconfirm', '--needed'],
    ],
    installFiles: ['pacman', '-U', '--noconfirm', '--needed'],
    remove: ['pacman', '-R', '--noconfirm'],
    suffix: '.zst',
  },
]

/** Systems that are images as a whole: what is to be in them is put in where they are made. By ID. */
const IMAGES = [
  ['flatcar', 'coreos', 'bottlerocket', 'cos', 'talos', 'ubuntu-core', 'rancheros', 'steamos', 'nixos', 'guix'],
  ['opensuse-microos', 'opensuse-leap-micro', 'opensuse-aeon', 'sle-micro', 'sl-micro', 'endless', 'vyos'],
].flat()

/** What a distribution has no package of that would do, though others of its family have. */
interface Gap {
  readonly ids: readonly string[]
  /** Of releases from this one on, or before this one, as VERSION_ID counts. */
  readonly from?: string
  readonly before?: string
  readonly lacks: readonly Needed[]
  /** What to do, behind a colon. */
  readonly instead: string
}

const GAPS: readonly Gap[] = [
  { ids: ['debian', 'raspbian'], before: '12', lacks: ['nft'], instead: 'its nftables is too old, upgrade it to 12' },
  { ids: ['ubuntu', 'pop'], before: '22.04', lacks: ['conmon', 'seccomp-profile'], instead: 'upgrade it to 22.04' },
  // Its edition on Debian counts to 7 so far.
  { ids: ['linuxmint'], from: '17', before: '21', lacks: ['conmon', 'seccomp-profile'], instead: 'upgrade it to 21' },
  { ids: RHEL_IDS, from: '10', lacks: ['runc'], instead: 'add --engine-opt default-runtime=crun' },
  {
    ids: RHEL_IDS,
    lacks: ['etcd'],
    instead: 'install it, or name the store of the cluster with --swarm-discovery etcd://HOST:2379',
  },
  { ids: ['amzn'], lacks: ['conmon', 'seccomp-profile', 'etcd'], instead: 'install it, or add --engine docker' },
]

/** Why the distribution's packages cannot bring what is missing, and what to do; undefined: they can, or nobody knows. */
export function whyNoPackages(os: Readonly<Record<string, string>>, missing: ReadonlySet<string>): string | undefined {
  const { ID = '', VERSION_ID = '', VARIANT_ID = '' } = os
  const name = os['PRETTY_NAME'] ?? ID
  const all = [...missing].join(', ')
  if (IMAGES.includes(ID) || IMAGES.includes(VARIANT_ID)) {
    return `${name} is an image that takes no packages, and has no ${all}: put them into the image, or choose another system`
  }
  const gap = GAPS.find(
    ({ ids, from, before, lacks }) =>
      ids.includes(ID) &&
      (from === undefined || compareVersions(VERSION_ID, from) >= 0) &&
      (before === undefined || isBefore(VERSION_ID, before)) &&
      lacks.some(each => missing.has(each)),
  )
  if (gap === undefined) return undefined
  return `${name} has no package of ${gap.lacks.filter(each => missing.has(each)).join(', ')}: ${gap.instead}`
}

/** A system that says no version, such as Debian's next one, is none of the past. */
function isBefore(version: string, limit: string): boolean {
  return version !== '' && compareVersions(version, limit) < 0
}

/** Less than 0: `a` comes before `b`. Parts that are no numbers count as 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(version => version.split('.').map(part => Number.parseInt(part, 10) || 0))
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The family of a host by ID, then by ID_LIKE in its order; undefined: no row fits. */
export function familyOf(os: Readonly<Record<string, string>>): OsFamily | undefined {
  const names = [os['ID'] ?? '', ...(os['ID_LIKE'] ?? '').split(' ')].filter(name => name !== '')
  return names.map(name => OS_FAMILIES.find(({ ids }) => ids.includes(name))).find(family => family !== undefined)
}

/** The packages that bring what is missing, each once. */
export function packagesFor(family: OsFamily, missing: ReadonlySet<string>): string[] {
  const names = Object.entries(family.packages).flatMap(([needed, name]) => (missing.has(needed) ? [name] : []))
  return [...new Set(names)].toSorted()
}
