import { arch } from 'node:os'
import { libcFunction } from './libc.ts'

const X32_GETPID = 0x4000_0000 + 39

const sysX32 = libcFunction<[number]>('long syscall(long number)')

/** Whether this kernel runs programs of the x32 kind: most are built without. Asked by making such a call. */
export function kernelHasX32(): boolean {
  if (arch() !== 'x64') return false
  try {
    return sysX32(X32_GETPID) > 0
  } catch {
    return false
  }
}
