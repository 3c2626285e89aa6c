import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { DriverPorts } from '../../../src/machine/drivers/driver.ts'
import { genericDriver } from '../../../src/machine/drivers/generic.ts'
import { rebootHost } from '../../../src/machine/drivers/reboot.ts'
import { MACHINE } from '../provision/scene.ts'

const { signal } = new AbortController()

interface FakeHost {
  readonly ports: DriverPorts
  readonly clock: ManualClock
  readonly asked: string[]
}

/** A host that says of `boots` one after another, the last of them again and again; an error is what connecting fails with. */
function hostWith(
  boots: readonly (string | Error)[],
  restart: { code: number; stderr?: string } | Error = { code: 0 },
): FakeHost {
  const clock = new ManualClock()
  const asked: string[] = []
  let next = 0
  const ports: DriverPorts = {
    clock,
    random: seededRandom(1),
    env: {},
    request: fetch,
    isReachable: async () => true,
    greetsBySsh: async () => true,
    async asRoot(words) {
      asked.push(words.join(' '))
      if (words[0] === 'sh') {
        if (restart instanceof Error) throw restart
        return { stdout: '', stderr: '', ...restart }
      }
      const boot = boots[Math.min(next++, boots.length - 1)] ?? ''
      if (boot instanceof Error) throw boot
      return { code: 0, stdout: `${boot}\n`, stderr: '' }
    },
    cacheExclusively: (_name, work) => work(),
    folder: '/nowhere',
    cacheFolder: '/nowhere',
    remember: async () => {},
    report: line => void asked.push(line),
  }
  return { ports, clock, asked }
}

it('waits until the host has begun anew, and does not take one for back that still goes down', async () => {
  const { ports, clock, asked } = hostWith(['one', 'one', new Error('refused'), 'two'])
  expect(genericDriver.restart).toBe(rebootHost)
  const done = rebootHost(MACHINE, ports, signal)
  await clock.advance(60_000)
  await done
  expect(asked.filter(line => line.startsWith('cat'))).toHaveLength(4)
  expect(asked.filter(line => line.includes('shutdown -r now'))).toHaveLength(1)
})

it('tells now and then what it waits for', async () => {
  const { ports, clock, asked } = hostWith([
    'one',
    ...Array.from({ length: 20 }, () => new Error('nobody answers')),
    'two',
  ])
  const done = rebootHost(MACHINE, ports, signal)
  await clock.advance(60_000)
  await done
  expect(asked.filter(line => line.startsWith('Still'))).toEqual(['Still waiting after 30 s: nobody answers'])
})

it('goes on where the host cuts us off as it goes down', async () => {
  for (const cut of [new Error('connection lost'), { code: 255 }]) {
    const { ports, clock } = hostWith(['one', 'two'], cut)
    const done = rebootHost(MACHINE, ports, signal)
    await clock.advance(60_000)
    await done
  }
})

it('says why a host cannot be restarted, or why it is not back', async () => {
  const refused = hostWith(['one'], { code: 1, stderr: 'sudo: a password is required\n' })
  await expect(rebootHost(MACHINE, refused.ports, signal)).rejects.toThrow(
    'Cannot restart machine "n1": sudo: a password is required',
  )
  const gone = hostWith(['one', new Error('nobody answers')])
  const done = rebootHost(MACHINE, gone.ports, signal)
  const outcome = expect(done).rejects.toThrow('did not come back in 15 minutes: nobody answers')
  await gone.clock.advance(1_000_000)
  await outcome
})
