import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { parseNano } from '../../../src/core/nano-time.ts'
import type { LogChunk, LogOptions } from '../../../src/docker-api/index.ts'
import { logDetails, readLogConfig, readLogs, rotateLog } from '../../../src/runtime/containers/logs/index.ts'
import { fc } from '../../support/property.ts'
import { aRecord } from './support.ts'

let directory: string
let path: string
const clock = new ManualClock()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-logs-'))
  path = join(directory, 'log')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const ALL: LogOptions = { stdout: true, stderr: true, follow: false }

function line(second: number, text: string, { stream = 'stdout', tag = 'F' } = {}): string {
  return `2026-01-02T03:04:${String(second).padStart(2, '0')}.000000001+00:00 ${stream} ${tag} ${text}\n`
}

async function read(options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: LogChunk[] = []
  const signal = new AbortController().signal
  for await (const chunk of readLogs(path, { ...ALL, ...options }, { clock, signal })) chunks.push(chunk)
  return Buffer.concat(chunks.map(({ data }) => data)).toString()
}

/** Puts a new log in place as conmon does when it is asked to reopen. */
async function reopen(): Promise<boolean> {
  await writeFile(`${path}.tmp`, '')
  await rename(`${path}.tmp`, path)
  return true
}

const rotate = (filesMax: number) => rotateLog(path, { bytesMax: 1, filesMax }, { clock, reopen })

it('gives whole lines with their time in UTC', async () => {
  await writeFile(path, '2026-01-02T05:04:05.5+02:00 stdout F one\n2026-01-02T03:04:06Z stderr F two\n')
  const chunks: LogChunk[] = []
  for await (const chunk of readLogs(path, ALL, { clock, signal: AbortSignal.any([]) })) chunks.push(chunk)
  expect(chunks).toEqual([
    { stream: 'stdout', time: '2026-01-02T03:04:05.500000000Z', data: Buffer.from('one\n') },
    { stream: 'stderr', time: '2026-01-02T03:04:06.000000000Z', data: Buffer.from('two\n') },
  ])
})

it('is empty for a log that does not exist', async () => {
  expect(await read()).toBe('')
  expect(await read({ tail: 3 })).toBe('')
})

it('joins partial lines of each stream, and gives an unfinished one at the end', async () => {
  await writeFile(
    path,
    line(1, 'he', { tag: 'P' }) +
      line(1, 'err', { stream: 'stderr' }) +
      line(2, 'llo') +
      line(3, 'prompt> ', { tag: 'P' }),
  )
  expect(await read()).toBe('err\nhello\nprompt> ')
})

it('passes partial lines on as they came to who does not wait for their end', async () => {
  await writeFile(path, line(1, 'na', { tag: 'P' }) + line(2, 'me? ', { tag: 'P' }) + line(3, 'you') + line(4, 'bye'))
  const signal = new AbortController().signal
  const chunks = await Array.fromAsync(readLogs(path, { ...ALL, pieces: true }, { clock, signal }))
  expect(chunks.map(({ data }) => data.toString())).toEqual(['na', 'me? ', 'you\n', 'bye\n'])
})

it('skips records that a crash damaged', async () => {
  await writeFile(path, `${line(1, 'a')}\0\0\0\n2026 stdout X b\n\n${line(2, 'c')}2026-01-02T03:04:05Z stdo`)
  expect(await read()).toBe('a\nc\n')
})

it.each([
  [{ stderr: false }, 'a\nc\n'],
  [{ stdout: false }, 'b\nd\n'],
  [{ tail: 2 }, 'c\nd\n'],
  [{ tail: 0 }, ''],
  [{ tail: 99 }, 'a\nb\nc\nd\n'],
  [{ sinceNano: parseNano('2026-01-02T03:04:03Z') ?? 0n }, 'c\nd\n'],
  [{ sinceNano: parseNano('2026-01-02T03:04:03.000000001Z') ?? 0n }, 'c\nd\n'],
  [{ sinceNano: parseNano('2026-01-02T03:04:03.000000002Z') ?? 0n }, 'd\n'],
  [{ untilNano: parseNano('2026-01-02T03:04:02.000000001Z') ?? 0n }, 'a\nb\n'],
  [{ untilNano: parseNano('2026-01-02T03:04:02Z') ?? 0n }, 'a\n'],
])('selects with %o', async (options, expected) => {
  const stderr = { stream: 'stderr' }
  await writeFile(path, line(1, 'a') + line(2, 'b', stderr) + line(3, 'c') + line(4, 'd', stderr))
  expect(await read(options)).toBe(expected)
})

it('reads over rotated files, oldest first, and takes a tail from several', async () => {
  for (const [index, text] of ['a', 'b', 'c'].entries()) {
    if (index > 0) await rotate(3)
    await appendFile(path, line(index * 2, text) + line(index * 2 + 1, text.toUpperCase()))
  }
  expect((await readdir(directory)).sort()).toEqual(['log', 'log.1', 'log.2'])
  expect(await read()).toBe('a\nA\nb\nB\nc\nC\n')
  expect(await read({ tail: 3 })).toBe('B\nc\nC\n')
  expect(await read({ tail: 5 })).toBe('A\nb\nB\nc\nC\n')
  await rotate(3)
  expect(await read()).toBe('b\nB\nc\nC\n')
  expect(await read({ tail: 1 })).toBe('C\n')
})

it('tail() gives the same as the end of everything, whatever the lengths and cuts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ length: fc.nat(200), pieces: fc.integer({ min: 1, max: 3 }), rotate: fc.boolean() }), {
        maxLength: 12,
      }),
      fc.nat(14),
      async (lines, tail) => {
        for (const name of await readdir(directory)) await rm(join(directory, name))
        await writeFile(path, '')
        for (const [index, { length, pieces, rotate: isCut }] of lines.entries()) {
          const text = `${index}:${'x'.repeat(length * 900)}`
          for (let piece = 1; piece < pieces; piece++) await appendFile(path, line(1, 'p', { tag: 'P' }))
          await appendFile(path, line(1, text))
          if (isCut) await rotate(20)
        }
        const all = (await read()).split('\n').slice(0, -1)
        const some = (await read({ tail })).split('\n').slice(0, -1)
        expect(some).toEqual(tail === 0 ? [] : all.slice(-tail))
      },
    ),
    { numRuns: 30 },
  )
})

it('follows over rotations without losing or doubling a line, and ends when the container has', async () => {
  await writeFile(path, line(0, 'line 0'))
  const ended = new AbortController()
  const signal = new AbortController().signal
  const seen: string[] = []
  let next = 1
  const write = (): Promise<void> => appendFile(path, line(next % 60, `line ${next++}`))
  for await (const { data } of readLogs(path, { ...ALL, follow: true }, { clock, signal, ended: ended.signal })) {
    seen.push(data.toString().trim())
    if (next > 40) ended.abort()
    else await write()
    if (next % 5 === 0) await rotate(4)
    if (next % 7 === 0) await rotate(4)
  }
  expect(seen).toEqual(Array.from({ length: next }, (_, index) => `line ${index}`))
})

it('wakes a follower for a log that appears later, and stops at once when its reader leaves', async () => {
  const stop = new AbortController()
  const reader = readLogs(path, { ...ALL, follow: true }, { clock, signal: stop.signal })
  const first = reader.next()
  await appendFile(path, line(1, 'late'))
  expect((await first).value).toMatchObject({ data: Buffer.from('late\n') })
  const second = reader.next()
  stop.abort()
  expect((await second).done).toBe(true)
})

it('ends a follower when the time it asked for is over', async () => {
  await writeFile(path, line(1, 'a'))
  const untilNano = BigInt(clock.nowMs() + 5_000) * 1_000_000n
  const reader = readLogs(path, { ...ALL, follow: true, untilNano }, { clock, signal: AbortSignal.any([]) })
  const first = await reader.next()
  expect(first.done).toBe(true)
})

it('keeps the old file when conmon is gone, and does not shift files again at the next try', async () => {
  await writeFile(path, line(1, 'a'))
  await writeFile(`${path}.1`, line(0, 'older'))
  const gone = { clock, reopen: async () => false }
  expect(await rotateLog(path, { bytesMax: 1, filesMax: 3 }, gone)).toBe(false)
  expect(await rotateLog(path, { bytesMax: 1, filesMax: 3 }, gone)).toBe(false)
  expect(await read()).toBe('older\na\n')
  expect(await readFile(`${path}.2`, 'utf8')).toBe(line(0, 'older'))
  expect(await rotateLog(path, { bytesMax: 1e6, filesMax: 3 }, gone)).toBe(false)
})

it.each([
  [{}, { bytesMax: 20_000_000, filesMax: 5 }],
  [{ Config: { 'max-size': '1m' } }, { bytesMax: 1024 * 1024, filesMax: 1 }],
  [
    { Type: 'local', Config: { 'max-size': '1m' } },
    { bytesMax: 1024 * 1024, filesMax: 5 },
  ],
  [
    { Config: { mode: 'non-blocking', 'max-buffer-size': '4m', 'max-file': '2' } },
    { bytesMax: 20_000_000, filesMax: 2 },
  ],
  [
    { Type: 'local', Config: { 'max-size': '1m', 'max-file': '5' } },
    { bytesMax: 1024 * 1024, filesMax: 5 },
  ],
  [
    { Type: 'json-file', Config: { 'max-size': '-1', compress: 'true' } },
    { bytesMax: Infinity, filesMax: 5 },
  ],
  [{ Type: 'none' }, undefined],
])('reads the log configuration %j', (config, limits) => {
  expect(readLogConfig(config)).toEqual(limits)
})

it.each([
  [{ Type: 'syslog' }, "no log driver named 'syslog'"],
  [{ Config: { 'max-sise': '1m' } }, "unknown log opt 'max-sise'"],
  [{ Config: { 'max-file': '0' } }, 'max-file cannot be less than 1'],
  [{ Config: { 'max-file': 'x' } }, 'invalid value for max-file'],
  [{ Type: 'local', Config: { labels: 'a' } }, "unknown log opt 'labels' for log driver local"],
  [{ Config: { compress: 'true' } }, 'compress cannot be true when max-file is less than 2'],
  [{ Config: { compress: 'maybe' } }, 'invalid value for compress'],
  [{ Config: { mode: 'often' } }, 'logging mode not supported: often'],
  [{ Config: { 'max-buffer-size': '1m' } }, "only supported with 'mode=non-blocking'"],
  [{ Config: { 'labels-regex': '(' } }, 'invalid value for labels-regex'],
  [{ Config: { 'max-size': 'big' } }, 'Cannot read size'],
])('refuses the log configuration %j', (config, message) => {
  expect(() => readLogConfig(config)).toThrow(message)
})

const labelled = (Config: Record<string, string>) => ({
  ...aRecord(),
  config: { Labels: { tier: 'web front', zone: 'b', 'com.x.y': '1' }, Env: ['MODE=a=b', 'EMPTY=', 'LOST'] },
  host: { LogConfig: { Config } },
})

it.each([
  [{}, ''],
  [{ labels: 'zone,tier,none' }, 'tier=web+front,zone=b'],
  [{ 'labels-regex': '^com\\.' }, 'com.x.y=1'],
  [{ env: 'MODE,LOST', 'env-regex': '^EMP' }, 'EMPTY=,LOST=,MODE=a%3Db'],
  [{ tag: '{{.Name}}/{{ .ID }}/{{.ImageName}}/{{.Odd}}' }, 'tag=web%2Faaaaaaaaaaaa%2Fbox%2F%7B%7B.Odd%7D%7D'],
])('attaches to every line, by the options %j, %s', (options, details) => {
  expect(logDetails(labelled(options))).toBe(details)
})

it.each([
  ['a link to another log', () => symlink(`${path}.1`, path)],
  ['a link to nothing', () => symlink('/nothing', path)],
  ['a pipe', () => Promise.resolve(execFileSync('mkfifo', [path]))],
  ['a directory', () => mkdir(path)],
])('reads nothing through %s in its place', async (_what, put) => {
  await writeFile(`${path}.1`, line(1, 'one'))
  await put()
  await expect(read()).rejects.toMatchObject({ code: 'BAD_LOG_FILE' })
})
