import { hashOf } from '../../../../core/digest.ts'
import { INIT_SCRIPT } from './init-script.ts'

/** What a root is made of, and what is done to it once packages are unpacked. */
export interface ImageContents {
  readonly packages: readonly string[]
  /** Files laid over the packages', by their paths below the root. */
  readonly files: Readonly<Record<string, string>>
  /** Symbolic links, by their paths below the root, and what they point to. */
  readonly links: Readonly<Record<string, string>>
  /** Paths below the root that are removed. */
  readonly leftOut: readonly string[]
}

/** What an image is made of. */
export interface ImageRecipe {
  readonly contents: ImageContents
  /** Of Debian: `bookworm`. */
  readonly suite: string
  /** Where Debian's packages come from; empty: mmdebstrap's own choice. */
  readonly mirror: string
  /** More packages than its contents have. */
  readonly packages: readonly string[]
}

/** What a host needs to become a member of a cluster, so that none of it must be fetched then. */
const PACKAGES = [
  'linux-image-cloud-amd64',
  'systemd-sysv',
  'openssh-server',
  'busybox-static',
  'acpid',
  'e2fsprogs',
  'sudo',
  'kmod',
  'procps',
  'iproute2',
  'nftables',
  'runc',
  'conmon',
  'golang-github-containers-common',
  'etcd-server',
  'openssl',
  'libatomic1',
  'libstdc++6',
  'ca-certificates',
  'xz-utils',
]

/** Drivers that are needed before there is a disk, and the power button's. */
export const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_net', 'ext4', 'button', 'evdev']

/**
 * Units that a virtual machine of a cluster does not need, and that take seconds of its start: its devices never change, its
 * console asks nobody to log in, and its packages are not renewed behind its owner's back.
 */
const MASKED_UNITS = [
  'systemd-udevd.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udev-trigger.service',
  'systemd-logind.service',
  'systemd-pstore.service',
  'systemd-firstboot.service',
  'systemd-repart.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-machine-id-commit.service',
  'systemd-binfmt.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'sys-fs-fuse-connections.mount',
  'dev-hugepages.mount',
  'getty.target',
  'getty-static.service',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
  'dev-ttyS0.device',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'fstrim.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  // Whoever runs a manager starts it with settings of their own.
  'etcd.service',
]

const FILES: ImageContents['files'] = {
  'etc/acpi/events/power': 'event=button/power.*\naction=/sbin/poweroff\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 0\n',
  'etc/ssh/sshd_config.d/machine.conf': [
    'HostKey /etc/ssh/ssh_host_ed25519_key',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UseDNS no',
    'PrintMotd no',
    '',
  ].join('\n'),
  'etc/systemd/system/machine-disk.service': [
    '[Unit]',
    'Description=Let the file system fill the disk',
    '',
    '[Service]',
    'Type=oneshot',
    'ExecStart=/sbin/resize2fs /dev/vda',
    '',
  ].join('\n'),
}

const LINKS: ImageContents['links'] = {
  'etc/systemd/system/multi-user.target.wants/machine-disk.service': '../machine-disk.service',
  'etc/systemd/system/default.target': '/lib/systemd/system/multi-user.target',
  ...Object.fromEntries(MASKED_UNITS.map(unit => [`etc/systemd/system/${unit}`, '/dev/null'])),
}

/** What no image needs. Host keys are each machine's own, and come with its seed. */
export const LEFT_OUT = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'usr/share/lintian',
  'usr/share/bash-completion',
  'usr/lib/udev/hwdb.d',
  'usr/lib/udev/hwdb.bin',
  'var/cache/apt',
  'var/lib/apt/lists',
  'etc/ssh/ssh_host_ecdsa_key',
  'etc/ssh/ssh_host_ecdsa_key.pub',
  'etc/ssh/ssh_host_ed25519_key',
  'etc/ssh/ssh_host_ed25519_key.pub',
  'etc/ssh/ssh_host_rsa_key',
  'etc/ssh/ssh_host_rsa_key.pub',
]

/** Of machines that become members of a cluster. */
export const MEMBER: ImageContents = { packages: PACKAGES, files: FILES, links: LINKS, leftOut: LEFT_OUT }

/** Changes when the image would: it is kept under this name. */
export function imageId(recipe: ImageRecipe): string {
  return hashOf({ recipe, MODULES, INIT_SCRIPT }).slice(0, 16)
}
