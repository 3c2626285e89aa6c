import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Clock } from '../../../src/core/clock.ts'
import { unavailable } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { type FakeWorld, fakeWorld, wantingPassword } from './world.ts'

/** Longest pause between two looks. */
const PAUSE_MS_MAX = 2_000

let world: FakeWorld
beforeEach(async () => {
  world = fakeWorld()
  await world.machine('create', '--host', '10.0.0.1', 'n1')
  await world.machine('create', '--host', 'admin@10.0.0.2', 'n2')
  await world.machine('create', '--host', '10.0.0.3', 'n3')
})
afterEach(() => world.dispose())

const isRestart = (words: readonly string[]): boolean => words.some(word => word.includes('shutdown -r now'))

/** Hosts that restart when they are told to: the first look at each is from before. */
function restarting(): FakeWorld['answer'] {
  const restarted = new Set<string>()
  return (host, words) => {
    if (isRestart(words)) restarted.add(host)
    if (words.join(' ').includes('id -u')) return { code: 0, lines: ['sudo'] }
    return { code: 0, lines: [restarted.has(host) ? 'two' : 'one'] }
  }
}

/** Pauses pass at once, and deadlines once so many of them have: reading a file takes no time. */
function hurriedClock(): Clock {
  const clock = new ManualClock()
  return {
    nowMs: clock.nowMs,
    nowMicros: clock.nowMicros,
    monotonicMs: clock.monotonicMs,
    setTimer(delayMs, fire) {
      const timer = clock.setTimer(delayMs, fire)
      if (delayMs <= PAUSE_MS_MAX) setImmediate(() => void clock.advance(delayMs))
      return timer
    },
  }
}

const answering = (input: string, ...argv: readonly string[]) => world.onClock(hurriedClock(), input, ...argv)
const run = (...argv: readonly string[]) => answering('', ...argv)

it('restarts machines with a line for each, and asks for no more than so many at a time', async () => {
  world.answer = restarting()
  const { code, stdout, stderr } = await run('restart', '--parallel', '1', 'n1', 'n2')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    'Restarting "n1"...',
    '(n1) Waiting for the machine to come back',
    'Machine "n1" was restarted.',
    'Restarting "n2"...',
    '(n2) Waiting for the machine to come back',
    'Machine "n2" was restarted.',
    'Started machines may have new IP addresses. You may need to re-run the `machine env` command.',
    '',
  ])
})

it('goes on with the others where one is not reached, and ends with its code', async () => {
  const answer = restarting()
  world.answer = answer
  world.refuse = host => (host === '10.0.0.3' ? unavailable('SSH_UNREACHABLE', 'no way to n3') : undefined)
  expect(await run('restart', 'n1', 'n3')).toMatchObject({
    code: 10,
    stderr: 'no way to n3\n1 of 2 machines were restarted\n',
  })
})

it('gives a machine no longer than is said', async () => {
  world.answer = () => ({ code: 0, lines: ['one'] })
  expect(await run('restart', '--timeout', '45', 'n1')).toMatchObject({
    code: 1,
    stderr: 'Machine "n1" was not restarted within 45 s: see `machine ls`, or give it longer with --timeout\n',
    stdout: expect.stringContaining('(n1) Still waiting after 30 s: it still runs as before\n'),
  })
  for (const flags of [
    ['--timeout', '0'],
    ['--parallel', '0'],
  ]) {
    expect(await run('restart', ...flags, 'n1')).toMatchObject({ code: 2 })
  }
})

it('asks for the password of sudo once, before anything is waited for', async () => {
  world.answer = wantingPassword(restarting())
  expect(await run('restart', 'n2')).toMatchObject({ code: 13, stderr: expect.stringContaining('--ask-sudo-pass') })
  expect(await answering('secret\n', 'restart', '--ask-sudo-pass', 'n2')).toMatchObject({
    code: 0,
    stderr: 'Password of sudo on "n2" (admin): \n',
  })
  expect(world.commands.find(({ words }) => isRestart(words))?.input).toBe('secret\n')
})
