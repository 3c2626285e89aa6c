import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
beforeEach(async () => {
  world = fakeWorld()
  await world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1')
  await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')
  const record = JSON.stringify({ startedAtMs: 0, steps: { engine: { status: 'done', startedAtMs: 0 } }, undo: [] })
  for (const name of ['m1', 'w1']) await writeFile(join(world.root, 'machines', name, 'provision.json'), record)
})
afterEach(() => world.dispose())

it('does not leave members without the only manager, but with --force', async () => {
  for (const flags of [['-y'], ['--dry-run']]) {
    const { code, stderr } = await world.machine('rm', ...flags, 'm1')
    expect([code, stderr]).toEqual([1, expect.stringContaining('the cluster that w1 is in: remove them first')])
  }
  expect(world.cleaned).toEqual([])
  expect(await world.machine('rm', '-f', 'm1')).toMatchObject({ code: 0 })
  expect((await world.machine('ls', '-q')).stdout).toBe('w1\n')
})

it('removes members before their manager, and keeps that where one of them stays', async () => {
  const well = world.finish
  world.finish = (request, options) =>
    well({ ...request, connect: () => Promise.reject(failed('SSH_UNREACHABLE', 'no way')) }, options)
  expect(await world.machine('rm', '-y', 'm1', 'w1')).toMatchObject({ code: 1 })
  expect((await world.machine('ls', '-q')).stdout).toBe('m1\nw1\n')
  world.finish = well
  expect(await world.machine('rm', '-y', 'm1', 'w1')).toMatchObject({
    code: 0,
    stdout: 'About to remove w1, m1\nSuccessfully removed w1\nSuccessfully removed m1\n',
  })
})

it('says what would go, and does nothing', async () => {
  const { code, stdout } = await world.machine('rm', '--dry-run', '--data', 'w1', 'm1')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: [
      'About to remove w1, m1',
      'w1: tasks move away from it, and "m1" forgets it',
      'w1: Shoal is stopped and removed from the host; containers, images and volumes go too',
      'Would remove w1',
      'm1: its cluster ends: the store and the authority go',
      'm1: Shoal is stopped and removed from the host; containers, images and volumes go too',
      'Would remove m1',
      '',
    ].join('\n'),
  })
  expect(world.cleaned).toEqual([])
})

it('says so where nobody answers its question, after it has said what would go', async () => {
  const { code, stdout, stderr } = await world.answering('', 'rm', 'w1')
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: expect.stringContaining('w1: tasks move away from it'),
    stderr: expect.stringContaining('Nobody answered, so nothing was removed: add -y'),
  })
  expect((await world.machine('ls', '-q')).stdout).toBe('m1\nw1\n')
})

it('needs no login to a host that nothing was done to', async () => {
  await world.machine('create', '--host', '10.0.0.9', 'n1')
  world.refuse = () => failed('SSH_AUTH', 'no key fits')
  expect(await world.machine('rm', '-y', 'n1')).toMatchObject({ code: 0 })
})
