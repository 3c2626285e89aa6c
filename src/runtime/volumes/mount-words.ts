import { MOUNT_FLAGS } from '../linux/mount.ts'

/** What the words of `-o` that are not the file system's own come to, as mount(2) takes them. */
export interface MountBits {
  readonly flags: number
  /** `shared` and its like: a call of its own, after the mount. */
  readonly propagation: number
}

const { recursive } = MOUNT_FLAGS
const SLAVE = 1 << 19
const UNBINDABLE = 1 << 17
const NO_ATIME = 1024
const NO_DIRATIME = 2048
const RELATIME = 1 << 21
const STRICT_ATIME = 1 << 24
const MANDATORY_LOCKS = 64

/** Docker's table of words: what each sets, and what it clears. */
const WORDS: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  defaults: {},
  ro: { set: MOUNT_FLAGS.readOnly },
  rw: { clear: MOUNT_FLAGS.readOnly },
  nosuid: { set: MOUNT_FLAGS.noSuid },
  suid: { clear: MOUNT_FLAGS.noSuid },
  nodev: { set: MOUNT_FLAGS.noDev },
  dev: { clear: MOUNT_FLAGS.noDev },
  noexec: { set: MOUNT_FLAGS.noExec },
  exec: { clear: MOUNT_FLAGS.noExec },
  sync: { set: 16 },
  async: { clear: 16 },
  dirsync: { set: 128 },
  remount: { set: MOUNT_FLAGS.remount },
  mand: { set: MANDATORY_LOCKS },
  nomand: { clear: MANDATORY_LOCKS },
  noatime: { set: NO_ATIME },
  atime: { clear: NO_ATIME },
  nodiratime: { set: NO_DIRATIME },
  diratime: { clear: NO_DIRATIME },
  relatime: { set: RELATIME },
  norelatime: { clear: RELATIME },
  strictatime: { set: STRICT_ATIME },
  nostrictatime: { clear: STRICT_ATIME },
  bind: { set: MOUNT_FLAGS.bind },
  rbind: { set: MOUNT_FLAGS.bind | recursive },
}

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MOUNT_FLAGS.private,
  rprivate: MOUNT_FLAGS.private | recursive,
  shared: MOUNT_FLAGS.shared,
  rshared: MOUNT_FLAGS.shared | recursive,
  slave: SLAVE,
  rslave: SLAVE | recursive,
  unbindable: UNBINDABLE,
  runbindable: UNBINDABLE | recursive,
}

/** Whether a word is mount(2)'s, and not for the file system to read. */
export function isMountWord(word: string): boolean {
  return Object.hasOwn(WORDS, word) || Object.hasOwn(PROPAGATION, word)
}

/** The bits of words, of which the last one counts: `ro,rw` may be written to. */
export function readMountWords(words: readonly string[]): MountBits {
  let [flags, propagation] = [0, 0]
  for (const word of words) {
    const { set = 0, clear = 0 } = WORDS[word] ?? {}
    flags = (flags | set) & ~clear
    propagation |= PROPAGATION[word] ?? 0
  }
  return { flags, propagation }
}
