import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import type { ProvisionRequest, ProvisionResult, StepName } from '../../../src/machine/index.ts'
import { type FakeWorld, fakeWorld, recordOf } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

const settingsOf = async (name: string): Promise<object> => (await recordOf(world, name)).settings

function failAt(step: StepName): FakeWorld['finish'] {
  return async ({ machine }: ProvisionRequest, { onEvent }): Promise<ProvisionResult> => {
    const ts = '2026-01-01T00:00:00.000Z'
    onEvent({ ts, machine: machine.name, step, index: 1, total: 12, event: 'start', message: step })
    const end = { changed: [], planned: 0, warnings: [], roundTrips: 1, durationMs: 5, ok: false, exitCode: 3 }
    return { ...end, machine: machine.name, failed: { step, error: failed('PREFLIGHT', 'no') } }
  }
}

describe('machine create of a machine that is there', () => {
  beforeEach(() => world.machine('create', '--host', '10.0.0.1', 'n1'))

  it('keeps what was known of it where the host refuses before anything is done', async () => {
    world.finish = failAt('preflight')
    const { code, stderr } = await world.machine('create', '--host', 'admin@10.0.0.2', 'n1')
    expect(code).toBe(3)
    expect(stderr).toContain('[n1] Failed at preflight: no\n')
    expect(await settingsOf('n1')).toMatchObject({ 'generic-ip-address': '10.0.0.1', 'generic-ssh-user': 'root' })
  })

  it('keeps what is wanted once something was done, to go on with', async () => {
    world.finish = failAt('engine')
    const { stderr } = await world.machine('create', '--generic-ssh-user', 'admin', 'n1')
    expect(stderr).toContain('Failed at engine: no; run it again to go on from engine\n')
    expect(await settingsOf('n1')).toMatchObject({ 'generic-ssh-user': 'admin' })
  })

  it.each([
    ['all', '; what was done is taken back, run it again to begin at engine\n'],
    ['some', '; not all that was done could be taken back, run it again to go on with what is left\n'],
  ] as const)('says where the next run begins once %s of it was taken back', async (takenBack, words) => {
    const fail = failAt('agent')
    world.finish = async (...asked) => ({ ...(await fail(...asked)), changed: ['engine', 'agent'], takenBack })
    const { stderr } = await world.machine('provision', '--rollback', 'n1')
    expect(stderr).toContain(`Failed at agent: no${words}`)
  })

  it('is refused another address once the host was prepared', async () => {
    const steps = { engine: { status: 'done', startedAtMs: 0 } }
    await writeFile(
      join(world.root, 'machines', 'n1', 'provision.json'),
      JSON.stringify({ startedAtMs: 0, steps, undo: [] }),
    )
    const { code, stderr } = await world.machine('create', '--host', '10.0.0.2', 'n1')
    expect(code).toBeGreaterThan(0)
    expect(stderr).toContain('run `machine set-address n1 10.0.0.2`')
    expect(await settingsOf('n1')).toMatchObject({ 'generic-ip-address': '10.0.0.1' })
    expect(world.provisioned).toHaveLength(1)
  })
})

it.each([
  ['engine', '[n1] Prepared up to engine; go on with `machine provision n1`\n', false],
  ['plan', '[n1] Looked at up to plan, nothing was done to it; go on with `machine provision n1`\n', false],
  ['verify', '[n1] Ready (machine env n1)\n', true],
] as const)('machine create --until %s says how far the machine was prepared', async (step, words, isWhole) => {
  const { code, stderr } = await world.machine('create', '--host', '10.0.0.1', '--until', step, 'n1')
  expect([code, stderr]).toEqual([0, expect.stringContaining(words)])
  expect([stderr.includes('Ready'), stderr.includes('To see how to connect')]).toEqual([isWhole, isWhole])
  expect(world.asked).toHaveLength(isWhole ? 1 : 0)
})

it.each([
  ['preflight', '[n1] Interrupted before anything was done to the host\n'],
  ['engine', '[n1] Interrupted at engine; run it again to go on, or `machine rm n1`'],
] as const)('machine create says how far it came when it is interrupted at %s', async (step, words) => {
  world.finish = async (request, options) => {
    await failAt(step)(request, options)
    world.interrupt.abort()
    return options.signal.throwIfAborted() as never
  }
  const { code, stderr } = await world.machine('create', '--host', '10.0.0.1', 'n1')
  expect(code).toBeGreaterThan(0)
  expect(stderr).toContain(words)
})
