import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { runProgram } from '../../../src/machine/drivers/run-program.ts'

const OPTIONS = { clock: systemClock, env: { PATH: process.env['PATH'] }, timeoutMs: 60_000 }
const NEVER = new AbortController().signal

describe('a program of this host', () => {
  it('is heard to its end', async () => {
    const lines: string[] = []
    const words = ['sh', '-c', 'echo one; echo two']
    expect(await runProgram(words, { ...OPTIONS, signal: NEVER, onLine: line => lines.push(line) })).toBe('one\ntwo\n')
    expect(lines).toEqual(['one', 'two'])
  })

  it('is named with its last words when it fails, and when it is not there', async () => {
    await expect(runProgram(['sh', '-c', 'echo why >&2; exit 3'], { ...OPTIONS, signal: NEVER })).rejects.toThrow(
      'sh ended with 3: why',
    )
    await expect(runProgram(['no-such-program'], { ...OPTIONS, signal: NEVER })).rejects.toMatchObject({
      code: 'PROGRAM_MISSING',
    })
  })

  it('ends with all that it started when nobody waits for it any more', async () => {
    const cut = new AbortController()
    const began = Promise.withResolvers<number>()
    const words = ['sh', '-c', 'sleep 1000 & echo $!; wait']
    const onLine = (line: string): void => began.resolve(Number(line))
    const running = runProgram(words, { ...OPTIONS, signal: cut.signal, onLine })
    const child = await began.promise
    cut.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    await expect.poll(() => isThere(child), { timeout: 60_000 }).toBe(false)
  })

  it('is given up when its time is over', async () => {
    const clock = new ManualClock()
    const running = runProgram(['sleep', '1000'], { ...OPTIONS, clock, signal: NEVER })
    await settle()
    clock.step()
    await expect(running).rejects.toThrow('sleep did not end within 60 s')
  })
})

/** Whether a process runs; one that ended and was not fetched yet does not. */
function isThere(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
