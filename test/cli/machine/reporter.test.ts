import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import type { ProvisionEvent } from '../../../src/machine/index.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

const TOLD: readonly Pick<ProvisionEvent, 'step' | 'event' | 'message'>[] = [
  { step: 'plan', event: 'change', message: 'engine: push Shoal' },
  { step: 'plan', event: 'ok', message: '1 change' },
  { step: 'engine', event: 'start', message: 'engine' },
  { step: 'engine', event: 'change', message: 'push Shoal' },
  { step: 'engine', event: 'ok', message: 'push Shoal' },
]

async function linesOf(...flags: readonly string[]): Promise<string> {
  const well = world.finish
  world.finish = (request, options) => {
    const place = { ts: '2026-01-01T00:00:00.000Z', machine: 'n1', index: 6, total: 12 }
    for (const told of flags.length > 0 ? TOLD.slice(0, 2) : TOLD) options.onEvent({ ...place, ...told })
    return well(request, { ...options, onEvent() {} })
  }
  return (await world.machine('create', '--host', '10.0.0.1', ...flags, 'n1')).stderr
}

it('tells every change once, when it is made', async () => {
  expect(await linesOf()).toContain('[n1] plan: 1 change\n[n1] engine: push Shoal\n[n1] engine: done\n[n1] Ready')
})

it('tells the plan where nothing else is done', async () => {
  expect(await linesOf('--dry-run')).toContain('[n1] plan: engine: push Shoal\n[n1] plan: 1 change\n')
})

it('tells of a visit to the manager for a token as of the machine that needs it', async () => {
  await world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1')
  const { stderr } = await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')
  expect(stderr).toContain('[w1] gets a join token from the manager on "m1"\n')
  expect(stderr).not.toContain('[m1]')
})

it('marks on a terminal what failed, and says above it in full why', async () => {
  world.refuse = () => failed('SSH_AUTH', 'no key fits')
  const { stderr } = await world.machine('create', '--progress', 'tty', '--host', '10.0.0.1', 'n1')
  expect(stderr).toContain('[n1] Failed at connect: no key fits')
  expect(stderr).toContain('[+] 0/1')
  expect(stripVTControlCharacters(stderr)).toMatch(/✘ Machine n1 {2}Failed at connect +\S/u)
  expect(stderr).not.toContain('✔')
})
