import { readFile } from 'node:fs/promises'
import { MOUNT_FLAGS, mount, unmount } from '../linux/mount.ts'
import type { VolumeMounter } from './local-driver.ts'

/** Mounts with mount(2); knows what is mounted from /proc/self/mountinfo. */
export const kernelMounter: VolumeMounter = {
  async isMounted(target) {
    const table = await readFile('/proc/self/mountinfo', 'utf8')
    const escaped = target.replaceAll(/[\\ \t\n]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
    return table.split('\n').some(line => line.split(' ')[4] === escaped)
  },
  mount({ type, device, data, flags }, target) {
    const isBind = flags.includes('bind') || flags.includes('rbind')
    const attributes =
      (flags.includes('ro') ? MOUNT_FLAGS.readOnly : 0) |
      (flags.includes('nosuid') ? MOUNT_FLAGS.noSuid : 0) |
      (flags.includes('nodev') ? MOUNT_FLAGS.noDev : 0) |
      (flags.includes('noexec') ? MOUNT_FLAGS.noExec : 0)
    if (!isBind) {
      mount({ source: device, target, type, flags: attributes, data })
      return
    }
    const recursive = flags.includes('rbind') ? MOUNT_FLAGS.recursive : 0
    mount({ source: device, target, flags: MOUNT_FLAGS.bind | recursive })
    // A bind ignores every other flag until it is remounted.
    if (attributes !== 0) mount({ source: device, target, flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.remount | attributes })
  },
  unmount,
}
