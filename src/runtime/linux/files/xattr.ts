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
const sysMknod = libcFunction<[string, number, bigint]>(
  'int mknod(const char *path, unsigned int mode, unsigned long device)',
)

const VALUE_BYTES_MAX = 65_536

/** Sets an extended attribute of the path itself, not of what it links to. Throws a SyscallError. */
export function setXattr(path: string, name: string, value: Uint8Array): void {
  sysSet(path, name, value, value.byteLength, 0)
}

/** An extended attribute of the path itself; undefined if it has none of that name. */
export function getXattr(path: string, name: string): Buffer | undefined {
  const buffer = Buffer.alloc(name === 'trusted.overlay.opaque' ? 16 : VALUE_BYTES_MAX)
  try {
    return Buffer.from(buffer.subarray(0, sysGet(path, name, buffer, buffer.byteLength)))
  } catch (error) {
    if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

/** Names of the extended attributes of the path itself. */
export function listXattrs(path: string): readonly string[] {
  const size = sysList(path, new Uint8Array(0), 0)
  if (size === 0) return []
  const buffer = Buffer.alloc(size + 1024)
  const text = buffer.subarray(0, sysList(path, buffer, buffer.byteLength)).toString()
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
