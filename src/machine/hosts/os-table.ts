/** What Shoal needs on a host: programs, and what stands for a file, by the name under which facts tell that it is missing. */
export type Needed = keyof typeof COMMON

/** How packages are had on a family of distributions. */
export interface OsFamily {
  readonly name: string
  /** ID of os-release; then ID_LIKE is asked. */
  readonly ids: readonly string[]
  readonly packages: Readonly<Record<Needed, string>>
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
}

const LOCK_WAIT_S = 300
const APT = ['apt-get', '-q', '-y', '-o', `DPkg::Lock::Timeout=${LOCK_WAIT_S}`]

const RPM_PACKAGES = {
  ...COMMON,
  ip: 'iproute',
  mount: 'util-linux',
  'libatomic.so.1': 'libatomic',
  'libstdc++.so.6': 'libstdc++',
}
/** One package has all the libraries of the compiler. */
const GCC_LIBRARIES = { 'libatomic.so.1': 'gcc-libs', 'libstdc++.so.6': 'gcc-libs' }

/** A new distribution is a row, or an ID in one. */
export const OS_FAMILIES: readonly OsFamily[] = [
  {
    name: 'Debian',
    ids: ['debian', 'ubuntu', 'raspbian', 'linuxmint', 'pop'],
    packages: { ...COMMON, etcd: 'etcd-server', 'seccomp-profile': 'golang-github-containers-common' },
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
    packages: RPM_PACKAGES,
    install: [['dnf', '-y', 'install', '--setopt=install_weak_deps=False']],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['dnf', '-y', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'RHEL',
    ids: ['rhel', 'centos', 'rocky', 'almalinux', 'ol', 'amzn', 'scientific'],
    packages: RPM_PACKAGES,
    install: [['dnf', '-y', 'install']],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['dnf', '-y', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'SUSE',
    ids: ['suse', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'sles', 'sled'],
    packages: { ...COMMON, mount: 'util-linux', 'seccomp-profile': 'libcontainers-common' },
    install: [['zypper', '--non-interactive', 'install', '--no-recommends']],
    installFiles: ['rpm', '-U', '--replacepkgs'],
    remove: ['zypper', '--non-interactive', 'remove'],
    suffix: '.rpm',
  },
  {
    name: 'Alpine',
    ids: ['alpine', 'postmarketos'],
    // Busybox has a mount, but not every flag; setsid of ours is asked with -f nowhere.
    packages: {
      ...COMMON,
      flock: 'flock',
      setsid: 'setsid',
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
    packages: { ...COMMON, ...GCC_LIBRARIES, mount: 'util-linux' },
    install: [['pacman', '-Sy', '--noconfirm', '--needed']],
    installFiles: ['pacman', '-U', '--noconfirm', '--needed'],
    remove: ['pacman', '-R', '--noconfirm'],
    suffix: '.zst',
  },
]

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
