import { describe, expect, it } from 'vitest'
import { runSimulation, type SimRunOptions, simulate } from '../../src/sim/index.ts'

const small = { nodes: 5, managers: 2, steps: 40 }

async function run(options: SimRunOptions) {
  const out = { stdout: '', stderr: '' }
  const exitCode = await runSimulation(options, {
    stdout: { write: text => (out.stdout += text) },
    stderr: { write: text => (out.stderr += text) },
  })
  return { exitCode, ...out }
}

describe('a cluster under faults', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i breaks no rule and converges', async seed => {
    const { violations, events } = await simulate({ ...small, seed })
    expect(violations, events.text).toEqual([])
  })

  // 20582: a service is given back the spec it had, while its successors start beside what serves.
  it.each([4, 12, 36, 38, 20_582])('seed %i breaks no rule with three managers and more steps', async seed => {
    const { violations, events } = await simulate({ seed, nodes: 6, managers: 3, steps: 60 })
    expect(violations, events.text).toEqual([])
  })

  it('one manager, one node', async () => {
    const { violations, events } = await simulate({ seed: 1, nodes: 1, managers: 1, steps: 40 })
    expect(violations, events.text).toEqual([])
  })

  it('the same seed gives the same events, byte for byte; another seed gives others', async () => {
    const [first, second, other] = [
      await simulate({ ...small, seed: 11 }),
      await simulate({ ...small, seed: 11 }),
      await simulate({ ...small, seed: 12 }),
    ]
    expect(second.events.text).toBe(first.events.text)
    expect(first.events.size).toBeGreaterThan(100)
    expect(other.events.text).not.toBe(first.events.text)
  })

  it('faults and changes really happen', async () => {
    const { events } = await simulate({ ...small, steps: 120, seed: 3 })
    for (const sign of [
      '** loses power',
      '** is cut off',
      '** manager is killed',
      'this manager leads',
      'started',
      'applies',
      'removes',
      'drains',
      'takes back into service',
      'rebalances',
      'clock jumps',
    ]) {
      expect(events.text).toContain(sign)
    }
  })
})

describe('shoal sim', () => {
  it('says in one line that all went well', async () => {
    const { exitCode, stdout, stderr } = await run({ ...small, seed: 1 })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^seed 1: ok\. 5 nodes, 2 managers, 40 steps, .* log sha256:[0-9a-f]{64}\n$/)
    expect(stderr).toBe('')
  })

  it('prints the events, the seed and how to repeat a run that failed', async () => {
    const { exitCode, stdout, stderr } = await run({ ...small, seed: 1, settleMs: 0 })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('heals everything')
    expect(stderr).toContain('seed 1: FAILED')
    expect(stderr).toContain('not converged')
    expect(stderr).toContain('shoal sim --seed 1 --nodes 5 --managers 2 --steps 40')
  })

  it('refuses numbers that are none', async () => {
    await expect(run({ seed: Number.NaN })).rejects.toMatchObject({ code: 'BAD_FLAG' })
    await expect(run({ seed: 1, nodes: 0 })).rejects.toMatchObject({ code: 'BAD_FLAG' })
  })
})
