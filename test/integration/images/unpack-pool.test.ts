import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { LAYER_LIMITS } from '../../../src/runtime/images/index.ts'
import { UnpackPool } from '../../../src/runtime/images/tar/unpack-pool.ts'
import { entry, isRoot, soon, tar, until, Workshop } from './support.ts'

describe.skipIf(!isRoot)('processes that unpack', () => {
  let workshop: Workshop
  let clock: ManualClock
  let pool: UnpackPool
  beforeEach(() => {
    workshop = new Workshop()
    clock = new ManualClock()
    pool = new UnpackPool(clock)
    workshop.defer(() => pool.close())
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  function job(name: string, archive: Buffer, limits = {}) {
    const [path, directory] = [workshop.path(`${name}.tar`), workshop.path(name)]
    writeFileSync(path, archive)
    mkdirSync(directory)
    return { path, directory, limits: { ...LAYER_LIMITS, ...limits } }
  }

  /** Process ids of our children that unpack. */
  function processes(): readonly string[] {
    const listing = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    return listing
      .split('\n')
      .flatMap(line => (line.includes('unpack-program') ? [line.trim().split(' ')[0] ?? ''] : []))
  }

  it('do several at once, tell how far they are, and are used again', async () => {
    const archive = tar(entry('file', { content: 'x'.repeat(1_000_000) }))
    let read = 0
    const onRead = (bytes: number): void => {
      read += bytes
    }
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const all = await Promise.all(names.map(name => pool.unpack(job(name, archive), { onRead, signal: soon() })))
    expect(new Set(all.map(({ diffId }) => diffId)).size).toBe(1)
    expect(all[0]?.contentBytes).toBe(1_000_000)
    expect(read).toBe(names.length * archive.length)
    for (const name of names) expect(readFileSync(join(workshop.path(name), 'file')).length).toBe(1_000_000)
    const before = processes()
    await pool.unpack(job('again', archive))
    expect(processes()).toEqual(before)
  })

  it('hear of their end once, however many jobs they had', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', onWarning)
    workshop.defer(() => void process.off('warning', onWarning))
    for (let jobs = 0; jobs < 12; jobs++) await pool.unpack(job(`job${jobs}`, tar(entry('x'))))
    await settle()
    expect(processes()).toHaveLength(1)
    expect(warnings).not.toContain('MaxListenersExceededWarning')
  })

  it('say what was wrong as if it had happened here, and go on', async () => {
    const bad = [
      pool.unpack(job('out', tar(entry('../x', { content: 'bad' })))),
      pool.unpack(job('bomb', tar(entry('a'), entry('b')), { entriesMax: 1 })),
      pool.unpack({ ...job('gone', tar()), path: workshop.path('nowhere') }),
    ]
    const errors = (await Promise.allSettled(bad)).map(result =>
      result.status === 'rejected' ? result.reason : undefined,
    )
    expect(errors).toEqual([
      expect.objectContaining({ code: 'ENTRY_LEAVES_ROOT', status: 400 }),
      expect.objectContaining({ code: 'ARCHIVE_TOO_LARGE', status: 400 }),
      expect.objectContaining({ code: 'UNPACK_FAILED', status: 500 }),
    ])
    await pool.unpack(job('good', tar(entry('x', { content: 'y' }))))
    expect(readdirSync(workshop.path('good'))).toEqual(['x'])
  })

  it('stop when told to, and let go of what they held', async () => {
    const files = Array.from({ length: 20_000 }, (_, index) => entry(`d${index % 100}/f${index}`, { content: 'x' }))
    const stop = new AbortController()
    const large = job('large', tar(...files))
    const unpacking = pool.unpack(large, { signal: stop.signal })
    unpacking.catch(() => {})
    await until(() => readdirSync(large.directory).length > 0)
    stop.abort(new Error('enough'))
    await expect(unpacking).rejects.toThrow('enough')
    expect(processes()).toHaveLength(1)
    for (const pid of processes()) {
      const held = readdirSync(`/proc/${pid}/fd`).map(fd => {
        try {
          return execFileSync('readlink', [`/proc/${pid}/fd/${fd}`], { encoding: 'utf8' })
        } catch {
          return ''
        }
      })
      expect(held.filter(path => path.includes(workshop.directory))).toEqual([])
    }
  })

  it('are ended when they do not stop', async () => {
    const files = Array.from({ length: 20_000 }, (_, index) => entry(`f${index}`, { content: 'x' }))
    const stop = new AbortController()
    const large = job('large', tar(...files))
    const unpacking = pool.unpack(large, { signal: stop.signal })
    unpacking.catch(() => {})
    await until(() => readdirSync(large.directory).length > 0)
    for (const pid of processes()) process.kill(Number(pid), 'SIGSTOP')
    workshop.defer(() => {
      for (const pid of processes()) process.kill(Number(pid), 'SIGKILL')
    })
    stop.abort(new Error('enough'))
    await clock.advance(5_000)
    await expect(unpacking).rejects.toThrow('enough')
    await until(() => processes().length === 0)
    await pool.unpack(job('next', tar(entry('x'))))
  })

  it('fail with their job alone when they die', async () => {
    const files = Array.from({ length: 20_000 }, (_, index) => entry(`f${index}`, { content: 'x' }))
    const large = job('large', tar(...files))
    const unpacking = pool.unpack(large)
    unpacking.catch(() => {})
    await until(() => readdirSync(large.directory).length > 0)
    for (const pid of processes()) process.kill(Number(pid), 'SIGKILL')
    await expect(unpacking).rejects.toMatchObject({ code: 'UNPACK_FAILED', status: 500 })
    await pool.unpack(job('next', tar(entry('x'))))
  })

  it('end when there was nothing to do for a while, and at once with the store', async () => {
    await pool.unpack(job('one', tar(entry('x'))))
    expect(processes()).toHaveLength(1)
    await clock.advance(3_000)
    await until(() => processes().length === 0)
    await pool.unpack(job('two', tar(entry('x'))))
    pool.close()
    await until(() => processes().length === 0)
  })
})
