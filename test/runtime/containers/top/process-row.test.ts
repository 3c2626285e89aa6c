import { describe, expect, it } from 'vitest'
import { processRow, usersOf } from '../../../../src/runtime/containers/top/process-row.ts'

const USERS = usersOf(
  'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nwww-data-long:x:33:33::/:/bin/sh\nbroken\n',
)
const BOOT_MS = new Date(2026, 5, 10, 8, 0).getTime()
const NOW_MS = new Date(2026, 5, 10, 12, 30).getTime()

/** A line of /proc/<pid>/stat with what matters here. */
function stat({ comm = 'sh', state = 'S', tty = 0, ticks = 0, startTicks = 0 } = {}): string {
  const zeros = (count: number): string => '0 '.repeat(count)
  return `42 (${comm}) ${state} 7 1 1 ${tty} ${zeros(6)}${ticks} 0 ${zeros(6)}${startTicks} 0`
}
const row = (given: object = {}, { uid = '0', cmdline = 'sh\0-c\0sleep 9\0', nowMs = NOW_MS } = {}): string[] =>
  processRow(
    { stat: stat(given), status: `Name:\tsh\nUid:\t5\t${uid}\t0\t0\n`, cmdline },
    { nowMs, bootMs: BOOT_MS, users: USERS },
  )

describe('a process in the columns of ps -ef', () => {
  it('has its owner, parent, start, terminal, time and command', () => {
    expect(row({ tty: 0x8803, ticks: 6_000, startTicks: 90 * 60 * 100 })).toEqual([
      'root',
      '42',
      '7',
      '0',
      '09:30',
      'pts/3',
      '00:01:00',
      'sh -c sleep 9',
    ])
  })

  it.each([
    ['0', 'root'],
    ['33', 'www-dat+'],
    ['1234', '1234'],
  ])('names the user %s %s', (uid, name) => {
    expect(row({}, { uid })[0]).toBe(name)
  })

  it('counts processor time in percent of its life, to 99', () => {
    const startTicks = (NOW_MS - BOOT_MS) / 10 - 1_000
    expect([0, 55, 500, 9_999].map(ticks => row({ ticks, startTicks })[3])).toEqual(['0', '5', '50', '99'])
  })

  it.each([
    [NOW_MS, '08:00'],
    [NOW_MS + 86_400_000, 'Jun10'],
    [NOW_MS + 400 * 86_400_000, '2026'],
  ])('shows less of a start the longer ago it is', (nowMs, expected) => {
    expect(row({}, { nowMs })[4]).toBe(expected)
  })

  it('shows days of processor time', () => {
    expect(row({ ticks: (2 * 86_400 + 3_723) * 100 })[6]).toBe('2-01:02:03')
  })

  it.each([
    [{ comm: 'a) b (c' }, '', '[a) b (c]'],
    [{ state: 'Z' }, '', '[sh] <defunct>'],
    [{}, 'cat\0', 'cat'],
  ])('names %j with the command line %j', (given, cmdline, expected) => {
    expect(row(given, { cmdline }).at(-1)).toBe(expected)
  })
})
