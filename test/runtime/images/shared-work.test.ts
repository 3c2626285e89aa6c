import { describe, expect, it } from 'vitest'
import type { ProgressMessage } from '../../../src/docker-api/index.ts'
import type { OnProgress } from '../../../src/runtime/images/transfer/progress.ts'
import { SharedWork } from '../../../src/runtime/images/transfer/shared-work.ts'

/** Work that a test ends, and what it was given. */
class Work {
  starts = 0
  signal: AbortSignal | undefined
  report: OnProgress = () => {}
  readonly end = Promise.withResolvers<string>()
  readonly start = (report: OnProgress, signal: AbortSignal): Promise<string> => {
    this.starts++
    this.report = report
    this.signal = signal
    return this.end.promise
  }
}

function caller() {
  const seen: ProgressMessage[] = []
  const controller = new AbortController()
  return { seen, controller, onProgress: (it: ProgressMessage) => void seen.push(it), signal: controller.signal }
}

const settled = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

describe('work that several want', () => {
  it('is done once, and all see it, those who came late included', async () => {
    const shared = new SharedWork<string>()
    const work = new Work()
    const [first, second] = [caller(), caller()]
    const one = shared.join('k', first, work.start)
    await settled()
    work.report({ id: 'a', status: 'Downloading' })
    work.report({ id: 'a', status: 'Extracting' })
    const two = shared.join('k', second, work.start)
    work.report({ id: 'b', status: 'Waiting' })
    work.end.resolve('done')
    expect(await Promise.all([one, two])).toEqual(['done', 'done'])
    expect(work.starts).toBe(1)
    expect(first.seen.map(({ status }) => status)).toEqual(['Downloading', 'Extracting', 'Waiting'])
    expect(second.seen.map(({ status }) => status)).toEqual(['Extracting', 'Waiting'])
  })

  it('goes on when one leaves, and stops when the last has gone', async () => {
    const shared = new SharedWork<string>()
    const work = new Work()
    const [first, second] = [caller(), caller()]
    const one = shared.join('k', first, work.start)
    const two = shared.join('k', second, work.start)
    await settled()
    first.controller.abort(new Error('first left'))
    await expect(one).rejects.toThrow('first left')
    expect(work.signal?.aborted).toBe(false)
    second.controller.abort(new Error('second left'))
    await expect(two).rejects.toThrow('second left')
    expect(work.signal?.aborted).toBe(true)
    const next = new Work()
    const third = shared.join('k', caller(), next.start)
    await settled()
    next.end.resolve('anew')
    expect(await third).toBe('anew')
    work.end.reject(new Error('stopped'))
  })

  it('fails for all, and is begun anew afterwards', async () => {
    const shared = new SharedWork<string>()
    const work = new Work()
    const both = [shared.join('k', caller(), work.start), shared.join('k', caller(), work.start)]
    await settled()
    work.end.reject(new Error('broken'))
    for (const one of both) await expect(one).rejects.toThrow('broken')
    const next = new Work()
    const again = shared.join('k', caller(), next.start)
    await settled()
    next.end.resolve('x')
    expect(await again).toBe('x')
  })

  it('is not begun for one who has gone already', async () => {
    const work = new Work()
    const gone = caller()
    gone.controller.abort(new Error('gone'))
    await expect(new SharedWork<string>().join('k', gone, work.start)).rejects.toThrow('gone')
    expect(work.starts).toBe(0)
  })
})
