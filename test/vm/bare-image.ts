import { type ImageContents, LEFT_OUT } from '../../src/machine/drivers/qemu/image/recipe.ts'

/** A Debian as a hosting provider hands it out: nothing that Shoal needs but what any host has, and a packet filter that ufw keeps. */
export const BARE: ImageContents = {
  packages: [
    'linux-image-cloud-amd64',
    'systemd-sysv',
    'systemd-timesyncd',
    'udev',
    'dbus',
    'apt',
    'openssh-server',
    'sudo',
    'ufw',
    'busybox-static',
    'e2fsprogs',
    'kmod',
    'procps',
    'iproute2',
    'ca-certificates',
  ],
  files: {
    'etc/fstab': '/dev/vda / ext4 defaults 0 0\n',
    // Where packages come from each test says.
    'etc/apt/sources.list': '',
    // Of an image that was started before: nobody is asked for its time zone.
    'etc/machine-id': '',
  },
  links: {
    'etc/systemd/system/default.target': '/lib/systemd/system/multi-user.target',
    // They would take the lock of packages whenever they like.
    'etc/systemd/system/apt-daily.timer': '/dev/null',
    'etc/systemd/system/apt-daily-upgrade.timer': '/dev/null',
  },
  leftOut: LEFT_OUT,
}
