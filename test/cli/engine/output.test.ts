import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { readMoment } from '../../../src/cli/commands/container/logs.ts'
import { portsText } from '../../../src/cli/commands/container/ports-text.ts'
import { usageOf } from '../../../src/cli/commands/container/stats-usage.ts'
import { eventText } from '../../../src/cli/commands/system/events.ts'
import { readFilters } from '../../../src/cli/engine/filters.ts'
import { sortedJson } from '../../../src/cli/engine/listing.ts'
import { indentJson } from '../../../src/cli/output/json-indent.ts'
import { barText, createProgressDisplay } from '../../../src/cli/output/progress-display.ts'
import { ellipsis, shortId } from '../../../src/cli/output/shorten.ts'
import { binarySize, humanSize } from '../../../src/cli/output/size.ts'
import type { PortSummary, ProgressMessage } from '../../../src/docker-api/index.ts'

// What docker 28 prints for these.
it.each([
  [0, '0B', '0B'],
  [999, '999B', '999B'],
  [1_984_000, '1.984MB', '1.98MB'],
  [123_456_789, '123.5MB', '123MB'],
  [5_000_000_000, '5GB', '5GB'],
])('%i bytes are %s, or %s', (bytes, four, three) => {
  expect([humanSize(bytes), humanSize(bytes, 3)]).toEqual([four, three])
})

it('writes memory in powers of two', () => {
  expect([binarySize(245_760), binarySize(1_610_612_736)]).toEqual(['240KiB', '1.5GiB'])
})

it.each<[readonly PortSummary[], string]>([
  [[], ''],
  [
    [
      { PrivatePort: 92, Type: 'tcp' },
      { PrivatePort: 90, Type: 'tcp' },
      { PrivatePort: 91, Type: 'tcp' },
    ],
    '90-92/tcp',
  ],
  [
    [
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    ],
    '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp',
  ],
  [
    [
      { IP: '127.0.0.1', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
      { PrivatePort: 80, Type: 'tcp' },
    ],
    '127.0.0.1:53->53/udp, 80/tcp',
  ],
  [
    [
      { IP: '1.1.1.1', PrivatePort: 80, PublicPort: 80, Type: 'tcp' },
      { IP: '1.1.1.1', PrivatePort: 81, PublicPort: 81, Type: 'tcp' },
    ],
    '1.1.1.1:80-81->80-81/tcp',
  ],
])('ports %#', (ports, text) => {
  expect(portsText(ports)).toBe(text)
})

it('indents JSON without reading its numbers and escapes', () => {
  expect(indentJson('[{"a":12345678901234567890,"b":"\\u003c{,","c":[],"d":{},"e":[1,2]}]')).toBe(
    [
      '[',
      '    {',
      '        "a": 12345678901234567890,',
      '        "b": "\\u003c{,",',
      '        "c": [],',
      '        "d": {},',
      '        "e": [',
      '            1,',
      '            2',
      '        ]',
      '    }',
      ']',
    ].join('\n'),
  )
})

it('writes a row as Go does: in order, without functions, with signs escaped', () => {
  expect(sortedJson({ b: '<none>', a: 'x&y', Label: () => '' })).toBe('{"a":"x\\u0026y","b":"\\u003cnone\\u003e"}')
})

it('shortens ids and texts', () => {
  expect(shortId('sha256:0123456789abcdef')).toBe('0123456789ab')
  expect([ellipsis('abcdef', 6), ellipsis('abcdefg', 6)]).toEqual(['abcdef', 'abcde…'])
})

it('collects filters, whose keys are in lower case, and refuses others', () => {
  expect(readFilters(['Label=a=b', 'label=c', 'status= up '])).toEqual({ label: ['a=b', 'c'], status: ['up'] })
  expect(() => readFilters(['status'])).toThrow('invalid argument "status"')
})

it.each([
  ['42', '42'],
  ['1.5', '1.5'],
  ['10m', '9400'],
  ['2026-01-02T03:04:05Z', '1767323045'],
])('the moment %s', (text, seconds) => {
  expect(readMoment(text, 10_000_000)).toBe(seconds)
})

it('tells an event on one line, to the nanosecond', () => {
  const event = {
    Type: 'volume',
    Action: 'create',
    Actor: { ID: 'data', Attributes: { z: '1', driver: 'local' } },
    scope: 'local',
    time: 1_767_323_045,
    timeNano: 0,
  } as const
  expect(eventText(event, '000000123')).toMatch(
    /^2026-01-0\dT\d\d:\d\d:\d\d\.000000123\S+ volume create data \(driver=local, z=1\)$/,
  )
})

it('counts the CPU since the sample before, and no memory that can be taken back', () => {
  const usage = usageOf({
    cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2_000, online_cpus: 2 },
    precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1_000 },
    memory_stats: { usage: 100, limit: 400, stats: { total_inactive_file: 40 } },
    networks: { a: { rx_bytes: 1, tx_bytes: 2 }, b: { rx_bytes: 3, tx_bytes: 4 } },
    blkio_stats: {
      io_service_bytes_recursive: [
        { op: 'Read', value: 5 },
        { op: 'Write', value: 6 },
        { op: 'Total', value: 11 },
      ],
    },
    pids_stats: { current: 7 },
  })
  expect(usage).toEqual({
    cpuPercent: 40,
    memoryBytes: 60,
    memoryLimit: 400,
    memoryPercent: 15,
    received: 4,
    sent: 6,
    read: 5,
    written: 6,
    pids: 7,
  })
})

function shown(messages: readonly ProgressMessage[], isTTY: boolean): string {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString())
      done()
    },
  })
  const display = createProgressDisplay(Object.assign(stream, { isTTY, columns: 120 }))
  for (const message of messages) display.show(message)
  return chunks.join('')
}

const PULL: readonly ProgressMessage[] = [
  { status: 'Pulling from app', id: '1' },
  { status: 'Pulling fs layer', id: 'aa' },
  { status: 'Pulling fs layer', id: 'bb' },
  { status: 'Downloading', id: 'aa', progressDetail: { current: 500, total: 1_000 } },
  { status: 'Pull complete', id: 'aa' },
  { status: 'Digest: x' },
]

it('prints news of layers line by line without a terminal, and no bars', () => {
  expect(shown(PULL, false)).toBe(
    '1: Pulling from app\naa: Pulling fs layer\nbb: Pulling fs layer\naa: Pull complete\nDigest: x\n',
  )
})

it('keeps one line for each layer on a terminal', () => {
  const text = shown(PULL, true)
  expect(text).toContain(
    `\u001b[2A\u001b[2K\raa: Downloading [${'='.repeat(25)}>${' '.repeat(25)}]     500B/1kB\r\u001b[2B`,
  )
  expect(text.endsWith('\u001b[2A\u001b[2K\raa: Pull complete \r\u001b[2BDigest: x\n')).toBe(true)
})

it('leaves the bar out where there is no room', () => {
  expect(barText({ current: 500, total: 1_000 }, 80)).toBe('    500B/1kB')
  expect(barText({ current: 500, total: 0 }, 80)).toBe('    500B')
})
