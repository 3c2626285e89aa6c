import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld

beforeEach(async () => {
  world = fakeWorld()
  for (const [index, flags] of [['--swarm', '--swarm-master'], ['--swarm-master'], ['--swarm-master']].entries()) {
    await world.machine('create', '--host', `10.0.0.${index + 1}`, ...flags, `m${index + 1}`)
  }
  await world.machine('create', '--host', '10.0.0.9', '--swarm', 'w1')
  const record = JSON.stringify({ startedAtMs: 0, steps: { engine: { status: 'done', startedAtMs: 0 } }, undo: [] })
  for (const name of ['m1', 'm2', 'm3', 'w1']) {
    await writeFile(join(world.root, 'machines', name, 'provision.json'), record)
  }
  world.commands.length = 0
})
afterEach(() => world.dispose())

/** What managers were asked: behind the program, without the socket. */
function asked(): string[] {
  return world.commands.flatMap(({ host, words }) => {
    const at = words.findIndex(word => word.endsWith('/bin/swarm'))
    const rest = words.slice(at + 1).filter(word => word !== '-H' && !word.startsWith('unix://'))
    return at < 0 ? [] : [`${host} ${rest.join(' ')}`]
  })
}

const lose = (...hosts: readonly string[]): void => {
  world.refuse = host => (hosts.includes(host) ? unavailable('SSH_UNREACHABLE', 'no way there') : undefined)
}

it('asks the next manager where the host of the first is gone', async () => {
  lose('10.0.0.1')
  expect(await world.machine('drain', 'w1')).toMatchObject({ code: 0, stdout: '"w1" is empty\n' })
  expect(asked()).toEqual(['10.0.0.2 node ls', '10.0.0.2 node drain --wait w1'])
})

it('asks the next manager where the first does not answer, and says what it refuses', async () => {
  world.answer = (host, words) => {
    if (host === '10.0.0.1') return { code: 1, lines: [], errors: ['the store is away'] }
    return words.includes('drain') ? { code: 3, lines: ['web stays'] } : { code: 0, lines: [] }
  }
  expect(await world.machine('drain', 'w1')).toMatchObject({ code: 3, stderr: expect.stringContaining('web stays') })
  // What was done is not done again elsewhere.
  expect(asked()).toEqual(['10.0.0.1 node ls', '10.0.0.2 node ls', '10.0.0.2 node drain --wait w1'])
})

it('names every manager where none can be asked', async () => {
  lose('10.0.0.1', '10.0.0.2')
  world.answer = () => ({ code: 1, lines: [], errors: ['the store is away'] })
  const { code, stderr } = await world.machine('drain', 'w1')
  expect(code).not.toBe(0)
  for (const line of [
    '"m1": no way there',
    '"m2": no way there',
    '"m3": The manager on "m3" says: the store is away',
  ]) {
    expect(stderr).toContain(line)
  }
})

it('forgets the first manager by way of another, and goes on without it', async () => {
  expect((await world.machine('rm', '--dry-run', 'm1')).stdout).toContain('and "m2" forgets it')
  lose('10.0.0.1')
  expect(await world.machine('rm', '-y', 'm1')).toMatchObject({ code: 1 })
  expect(await world.machine('rm', '--force', 'm1')).toMatchObject({ code: 0 })
  expect(asked().slice(-2)).toEqual(['10.0.0.2 node rm --force m1', '10.0.0.2 cert revoke --timeout 0s manager-m1'])
  expect(await world.machine('create', '--host', '10.0.0.8', '--swarm', 'w2')).toMatchObject({ code: 0 })
  expect(world.tokens.at(-1)).toMatchObject({ master: 'm2' })
  expect(world.provisioned.at(-1)?.request.trust?.managers).toEqual(['10.0.0.2:3376', '10.0.0.3:3376'])
  // In its place, at its address.
  expect(await world.machine('create', '--host', '10.0.0.5', '--swarm-master', 'm1')).toMatchObject({ code: 0 })
  expect(world.provisioned.at(-1)?.request.trust).toMatchObject({
    managers: ['10.0.0.2:3376', '10.0.0.3:3376'],
    newToken: expect.any(Function),
  })
})

it('refuses certificates of a cluster that only others know, for its first manager here too', async () => {
  const foreign = ['create', '--host', '10.0.0.7', '--swarm-master', '--swarm-discovery', 'etcd://10.9.9.9:2379', 'm9']
  expect(await world.machine(...foreign)).toMatchObject({ code: 1, stderr: expect.stringContaining('add --insecure') })
})

it('takes a certificate back once the manager has found another copy of the store than the one that goes', async () => {
  let asks = 0
  world.answer = (_host, words) => {
    const isAway = words.includes('revoke') && asks++ === 0
    return isAway
      ? { code: 1, lines: [], errors: ['The store at 10.0.0.1:2379 does not answer'] }
      : { code: 0, lines: [] }
  }
  lose('10.0.0.1')
  const clock = new ManualClock()
  const hurried = {
    nowMs: clock.nowMs,
    nowMicros: clock.nowMicros,
    monotonicMs: clock.monotonicMs,
    setTimer: (delayMs: number, fire: () => void) => {
      const timer = clock.setTimer(delayMs, fire)
      if (delayMs <= 3_000) setImmediate(() => void clock.advance(delayMs))
      return timer
    },
  }
  expect(await world.onClock(hurried, '', 'rm', '--force', 'm1')).toMatchObject({
    code: 0,
    stderr: expect.not.stringContaining('could not be told'),
  })
  expect(asks).toBe(2)
})
