import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import type { Life } from '../support/fake-manager.ts'
import { pollingClock } from '../support/run.ts'

const { manager, compose } = composeProject(`
name: shop
services:
  web: {image: "web:1"}
`)

/** What the manager sees of a container that ends with code 1 at once, and is started again `restarts` times. */
function crashes(restarts: number): Life {
  return Array.from({ length: restarts }, (_, index) => [
    { restarts: index, exitCode: 1 },
    { restarts: index + 1 },
  ]).flat()
}

it('--wait fails for a container that ends again and again, though it runs at times', async () => {
  manager().lives.set('web', crashes(100))
  const { code, stderr } = await compose('up --wait')
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /container shop-web-1 on n1 exited \(1\), and was started again \d+ times; see `compose logs web`/,
  )
})

it('--wait goes on for a container that fails until what it needs is there, and stays up then', async () => {
  manager().lives.set('web', crashes(10))
  expect(await compose('up --wait')).toMatchObject({ code: 0, stderr: expect.stringContaining('Started') })
})

it('--wait does not take a pause between two runs for running', async () => {
  manager().lives.set('web', [{ restarts: 1, exitCode: 1 }])
  const { code, stderr } = await compose('up --wait --wait-timeout 5')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Not healthy after 5 s: web (') })
})

it('-d is content with a container that has started, whatever it does then', async () => {
  manager().lives.set('web', crashes(5))
  expect(await compose('up -d')).toMatchObject({ code: 0 })
})

it('ps tells which container is being restarted, and its exit code', async () => {
  await compose('up -d')
  manager().lives.set('web', [{ restarts: 2, exitCode: 3 }])
  expect((await compose('ps')).stdout).toContain('Restarting (3), restarted 2 times')
  expect((await compose('ps --status restarting --services')).stdout).toBe('web\n')
})

it.each(['up -d --wait', 'up --wait'])('Ctrl-C during %s ends with a sentence on what goes on', async line => {
  const stop = new AbortController()
  manager().lives.set('web', [{ health: 'starting' }])
  let waits = 0
  const polls = pollingClock()
  const clock = {
    ...polls,
    setTimer: (delayMs: number, run: () => void) => {
      if (delayMs <= 1_000 && ++waits === 3) stop.abort()
      return polls.setTimer(delayMs, run)
    },
  }
  const { code, stderr } = await compose(line, { signal: stop.signal, clock })
  expect(code).toBe(130)
  expect(stderr.trimEnd().split('\n').at(-1)).toBe('What has been started keeps running. Stop it with `compose down`')
})
