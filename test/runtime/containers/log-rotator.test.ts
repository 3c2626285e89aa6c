import { beforeEach, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { type LogDisk, LogRotator, nextLookMs } from '../../../src/runtime/containers/logs/index.ts'
import { fc } from '../../support/property.ts'

const LIMIT = 1_000_000
const ID = 'c1'
const LOG = { path: '/log', controlPath: '/ctl', limits: { bytesMax: LIMIT, filesMax: 3 } }

/** A log that grows by the clock, and a kernel that tells of it. */
class FakeDisk implements LogDisk {
  bytes: number | undefined = 0
  looks = 0
  largest = 0
  rotations = 0
  watchersMax = Infinity
  readonly watchers = new Set<() => void>()

  readonly sizeOf = async () => {
    this.looks++
    return this.bytes
  }
  rotate = async (): Promise<boolean> => {
    this.rotations++
    this.bytes = 0
    return true
  }
  watch: LogDisk['watch'] = (_path: string, onWritten: () => void) => {
    if (this.watchers.size >= this.watchersMax) throw new Error('ENOSPC')
    this.watchers.add(onWritten)
    return { close: () => void this.watchers.delete(onWritten) }
  }

  write(bytes: number): void {
    this.bytes = (this.bytes ?? 0) + bytes
    this.largest = Math.max(this.largest, this.bytes)
    for (const onWritten of this.watchers) onWritten()
  }
}

let clock: ManualClock
let disk: FakeDisk
let rotator: LogRotator
beforeEach(() => {
  clock = new ManualClock()
  disk = new FakeDisk()
  rotator = new LogRotator({ clock, log: silentLog, disk })
  rotator.add(ID, LOG)
})

async function flood(bytesPerMs: number, forMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += 10) {
    disk.write(bytesPerMs * 10)
    await clock.advance(10)
  }
}

it('leaves a silent log alone once it is watched', async () => {
  await clock.advance(1_000)
  const { looks } = disk
  await clock.advance(3_600_000)
  expect(disk.looks).toBe(looks)
  expect(clock.nextDueMs()).toBeUndefined()
})

it('rotates a log that is full after a long silence, and goes back to watching', async () => {
  await clock.advance(60_000)
  disk.write(LIMIT)
  expect(disk.watchers.size).toBe(0)
  await clock.advance(1_000)
  expect(disk.rotations).toBe(1)
  await clock.advance(10_000)
  expect(disk.watchers.size).toBe(1)
  expect(clock.nextDueMs()).toBeUndefined()
})

it('is told of a flood once, not at every write, and keeps it near the limit', async () => {
  await clock.advance(60_000)
  const bytesPerMs = LIMIT / 500
  await flood(bytesPerMs, 20_000)
  // Half a second fills it: at most the first look's wait beyond the limit, and twice the shortest wait later.
  expect(disk.largest).toBeLessThan(LIMIT + bytesPerMs * 260)
  expect(disk.rotations).toBeGreaterThan(30)
  expect(disk.looks).toBeLessThan(100)
})

it('looks seldom at a log that grows slowly', async () => {
  await clock.advance(10_000)
  const { looks } = disk
  await flood(0.01, 100_000)
  expect(disk.looks - looks).toBeLessThan(60)
})

it('misses nothing that is written while the watch begins', async () => {
  const { watch } = disk
  disk.watch = (path, onWritten) => {
    disk.bytes = LIMIT
    return watch(path, onWritten)
  }
  await clock.advance(1_000)
  expect(disk.rotations).toBeGreaterThan(0)
})

it('looks from time to time where the kernel watches no more files', async () => {
  disk.watchersMax = 0
  await clock.advance(10_000)
  disk.write(LIMIT)
  await clock.advance(3_000)
  expect(disk.rotations).toBe(1)
})

it('waits for a log that is not there yet, and goes on after a rotation that fails', async () => {
  disk.bytes = undefined
  await clock.advance(5_000)
  disk.write(LIMIT)
  const { rotate } = disk
  disk.rotate = async () => Promise.reject(new Error('no conmon answers'))
  await clock.advance(3_000)
  expect(disk.rotations).toBe(0)
  disk.rotate = rotate
  await clock.advance(3_000)
  expect(disk.rotations).toBe(1)
})

it('lets go of a log that is removed, whatever it was doing', async () => {
  await clock.advance(1_000)
  rotator.remove(ID)
  expect(disk.watchers.size).toBe(0)
  rotator.add(ID, LOG)
  const advancing = clock.advance(1_000)
  rotator.remove(ID)
  await advancing
  disk.write(LIMIT)
  await clock.advance(10_000)
  expect(disk.rotations).toBe(0)
  expect(disk.watchers.size).toBe(0)
})

it('never looks at a log without a limit', async () => {
  disk.looks = 0
  rotator.add(ID, { ...LOG, limits: { bytesMax: Infinity, filesMax: 1 } })
  await clock.advance(10_000)
  expect(disk.looks).toBe(0)
})

it('waits between a tenth of a second and two seconds for a log that grows, and for ever for one that does not', () => {
  const size = fc.nat(1e9)
  fc.assert(
    fc.property(size, size, fc.integer({ min: 1, max: 1e6 }), (before, now, ms) => {
      const next = nextLookMs({ bytes: before, atMs: 0 }, { bytes: now, atMs: ms }, { bytesMax: LIMIT })
      if (before === now) return next === undefined
      return next !== undefined && next >= 100 && next <= 2_000
    }),
  )
  expect(nextLookMs({ bytes: 0, atMs: 0 }, { bytes: 250_000, atMs: 250 }, { bytesMax: LIMIT })).toBe(750)
})
