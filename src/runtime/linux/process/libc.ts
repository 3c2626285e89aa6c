import { type LibraryHandle, errno as lastErrno, load, os } from 'koffi'
import { ShoalError } from '../../../core/errors.ts'

/** A system call that failed: `code` is the kernel's name for the reason (`EBUSY`), `errno` its number. */
export class SyscallError extends ShoalError {
  override readonly name = 'SyscallError'
  readonly errno: number

  constructor(call: string, errno: number) {
    const code = errnoName(errno)
    super(code, 500, `${call}: ${code}`, { details: { errno } })
    this.errno = errno
  }
}

let library: LibraryHandle | undefined

/** What C functions are given; a list is one of pointers to texts. */
type Argument = string | number | bigint | Uint8Array | null | readonly (string | null)[]

/**
 * Declares a function of the C library, loading the library at the first use.
 *
 * `prototype` is C (`int umount2(const char *target, int flags)`). The function returned throws a {@link SyscallError} when
 * the C function returns -1. Calls are synchronous: they run on the calling thread, which is what setns and unshare need.
 */
export function libcFunction<Args extends readonly Argument[]>(prototype: string): (...args: Args) => number {
  let declared: ReturnType<LibraryHandle['func']> | undefined
  const name = /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype
  return (...args) => {
    library ??= load('libc.so.6')
    declared ??= library.func(prototype)
    const result = Number(declared(...args))
    if (result === -1) throw new SyscallError(name, lastErrno())
    return result
  }
}

let names: ReadonlyMap<number, string> | undefined

/** The first name of a number counts: some have two. */
function errnoName(errno: number): string {
  names ??= new Map(
    Object.entries(os.errno)
      .map(([name, number]) => [number, name] as const)
      .reverse(),
  )
  return names.get(errno) ?? `errno ${errno}`
}
