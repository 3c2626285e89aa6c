import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { giveBackMemory, unchangedParts } from '../../../src/runtime/linux/process/own-memory.ts'

function part(range: string, mode: string, { path, anonymous = 0 }: { path: string; anonymous?: number }): string {
  return `${range} ${mode} 00000000 fe:00 1234 ${' '.repeat(20)}${path}
Size:                  8 kB
Rss:                   8 kB
Private_Dirty:         ${anonymous} kB
Anonymous:             ${anonymous} kB
VmFlags: rd ex mr mw me
`
}

it('finds the parts of a program that are as in its file', () => {
  const smaps = [
    part('00400000-00402000', 'r--p', { path: '/opt/a program' }),
    part('7f0000000000-7f0000004000', 'r-xp', { path: '/opt/a program' }),
    // Relocated when it was loaded: its file does not have what is there.
    part('7f0000004000-7f0000006000', 'r--p', { path: '/opt/a program', anonymous: 4 }),
    part('7f0000006000-7f0000008000', 'rw-p', { path: '/opt/a program' }),
    part('7f0000008000-7f000000a000', 'r-xp', { path: '/lib/libc.so.6' }),
    part('7f000000a000-7f000000c000', 'r-xp', { path: '' }),
  ].join('')
  expect(unchangedParts(smaps, '/opt/a program')).toEqual([
    { from: 0x40_0000n, to: 0x40_2000n },
    { from: 0x7f00_0000_0000n, to: 0x7f00_0000_4000n },
  ])
})

it('leaves the process as it was, but smaller', () => {
  const residentKib = (): number => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const before = residentKib()
  giveBackMemory()
  expect(residentKib()).toBeLessThan(before)
  expect(JSON.parse('{"works": [1, "still"]}')).toEqual({ works: [1, 'still'] })
})
