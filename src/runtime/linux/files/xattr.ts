import { errorCode } from '../../../core/errors.ts'
import { libcFunction } from '../process/libc.ts'

const sysSet = libcFunction<[string, string, Uint8Array, number, number]>(
  'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
)
const sysGet = libcFunction<[string, string, Uint8Array, number]>(
  'long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
)
const sysList = libcFunction<[string, Uint8Array, number]>(
  'long llistxattr(const char *path, _Out_ uint8_t *list, size_t size)',
)
const sysGetOpen = libcFunction<[number, string, Uint8Array, number]>(
  'long fgetxattr(int fd, const char *name, _Out_ uint8_t *value, size_t size)',
)
const sysListOpen = libcFunction<[number, Uint8Array, number]>(
  'long flistxattr(int fd, _Out_ uint8_t *list, size_t size)',
)
const sysMknod = libcFunction<[string, number, bigint]>(
  'int mknod(const char *path, unsigned int mode, unsigned long device)',
)

/** To be told how long a list is. */
const NO_ROOM = new Uint8Array(0)
const VALUE_BYTES_MAX = 65_536

/** Sets an extended attribute of the path itself, not of what it links to. Throws a SyscallError. */
export function setXattr(path: string, name: string, value: Uint8Array): void {
  sysSet(path, name, value, value.byteLength, 0)
}

/** An extended attribute of an open file or of a path itself; undefined if it has none of that name. */
export function getXattr(file: string | number, name: string): Buffer | undefined {
  const buffer = Buffer.alloc(name === 'trusted.overlay.opaque' ? 16 : VALUE_BYTES_MAX)
  try {
    const size = buffer.byteLength
    const bytes = typeof file === 'number' ? sysGetOpen(file, name, buffer, size) : sysGet(file, name, buffer, size)
    return Buffer.from(buffer.subarray(0, bytes))
  } catch (error) {
    if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

/** Names of the extended attributes of an open file or of a path itself. */
export function listXattrs(file: string | number): readonly string[] {
  const list = (buffer: Uint8Array): number =>
    typeof file === 'number' ? sysListOpen(file, buffer, buffer.byteLength) : sysList(file, buffer, buffer.byteLength)
  const size = list(NO_ROOM)
  if (size === 0) return []
  const buffer = Buffer.alloc(size + 1024)
  const text = buffer.subarray(0, list(buffer)).toString()
  return text.split('\0').filter(name => name !== '')
}

/** Makes a device, a FIFO or an overlay's whiteout; `mode` includes the type bits. Throws a SyscallError. */
export function makeNode(path: string, mode: number, device: { readonly major: number; readonly minor: number }): void {
  sysMknod(path, mode, encodeDevice(device))
}

/** Linux' dev_t (glibc's gnu_dev_makedev): twelve low bits of major above eight low bits of minor, the rest above. */
function encodeDevice({ major, minor }: { readonly major: number; readonly minor: number }): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return ((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n)
}

/** Splits a dev_t, as stat reports it. */
export function decodeDevice(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev)
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  }
}
