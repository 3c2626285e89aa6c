import { readFileSync } from 'node:fs'
import { libcFunction } from './libc.ts'

const MADV_DONTNEED = 4

const mallocTrim = libcFunction<[number]>('int malloc_trim(size_t keep)')
const madvise = libcFunction<[bigint, bigint, number]>('int madvise(uintptr_t from, size_t length, int advice)')

/**
 * Gives back what this process does not need while nothing happens: garbage, free pages of the C library, and the pages of
 * its own program that it once ran or read. Takes some 30 ms; what is needed again comes from the page cache.
 */
export function giveBackMemory(): void {
  // Only there under --expose-gc, which the launcher gives daemons.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  mallocTrim(0)
  for (const { from, to } of unchangedParts(readFileSync('/proc/self/smaps', 'utf8'), process.execPath)) {
    madvise(from, to - from, MADV_DONTNEED)
  }
}

/** Where a program lies in memory, exactly as it is in its file: pages that were written to would be lost. Source: proc_pid_smaps(5). */
export function unchangedParts(smaps: string, program: string): { readonly from: bigint; readonly to: bigint }[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap(part => {
    const [, from, to, mode = '', path] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ +(.*)$/m.exec(part) ?? []
    const isUnchanged = !mode.includes('w') && /^Anonymous: +0 kB$/m.test(part) && /^Private_Dirty: +0 kB$/m.test(part)
    return path === program && isUnchanged ? [{ from: BigInt(`0x${from}`), to: BigInt(`0x${to}`) }] : []
  })
}
