import { describe, expect, it } from 'vitest'
import { startOnEngine } from '../../../../src/cli/commands/compose/one-engine/change-state.ts'
import { type Known, knownContainers } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import {
  waitForDependencies,
  waitUntilHealthy,
} from '../../../../src/cli/commands/compose/one-engine/wait-dependency.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import type { ServiceSpec } from '../../../../src/core/model/service.ts'
import { FakeEngine } from '../../../support/fake-engine.ts'

const PROJECT = 'com.docker.compose.project'
const SERVICE = 'com.docker.compose.service'

/** Containers of services, each of which depends on the one given. */
async function containers(services: Readonly<Record<string, string>>, more: { readonly checked?: boolean } = {}) {
  const clock = new ManualClock()
  const fake = new FakeEngine(clock)
  for (const [service, needs] of Object.entries(services)) {
    const Labels = { [PROJECT]: 'shop', [SERVICE]: service, 'com.docker.compose.depends_on': needs }
    const check = more.checked === true ? { Healthcheck: { Test: ['CMD', 'ok'] } } : {}
    await fake.engine.containers.create({ Image: 'web:1', Labels, ...check }, { name: service })
  }
  const told: string[] = []
  const run = {
    engine: fake.engine,
    clock,
    signal: AbortSignal.timeout(10_000),
    tell: (what: string, news: string) => told.push(`${what} ${news}`),
    warn: (message: string) => told.push(message),
    stopping: {},
    hooks: new Map(),
  }
  const all = (): Promise<readonly Known[]> => knownContainers(fake.engine, 'shop')
  return { clock, fake, told, run, all }
}

async function waits({ clock }: { readonly clock: ManualClock }): Promise<void> {
  while (clock.nextDueMs() === undefined) await new Promise(setImmediate)
}

async function looked(here: { readonly clock: ManualClock }): Promise<void> {
  await waits(here)
  await here.clock.advance(200)
}

describe('up --wait', () => {
  it('is not content with a container that ends again and again', async () => {
    const here = await containers({ web: '' })
    const { fake, told, run, all } = here
    await fake.engine.containers.start('web')
    let isDone = false
    const done = waitUntilHealthy(await all(), [], run).then(() => {
      isDone = true
    })
    for (let turn = 0; turn < 5; turn++) {
      await looked(here)
      await looked(here)
      fake.restarting('web')
      await looked(here)
      fake.restarted('web')
    }
    expect(isDone).toBe(false)
    for (let turn = 0; turn < 6; turn++) await looked(here)
    await done
    expect(told).toEqual(['Container web Running'])
  })

  it.each([
    ['exited', 3],
    ['exited', 0],
  ])('fails for one that has %s with code %d', async (_, code) => {
    const here = await containers({ web: '' })
    await here.fake.engine.containers.start('web')
    const done = waitUntilHealthy(await here.all(), [], here.run)
    done.catch(() => {})
    await looked(here)
    here.fake.exit('web', code)
    await looked(here)
    await expect(done).rejects.toThrow(`container web exited (${code})`)
  })
})

describe('what a service depends on', () => {
  const web = (required: boolean): ServiceSpec =>
    ({ name: 'web', dependsOn: [{ service: 'db', condition: 'service_healthy', required }] }) as unknown as ServiceSpec

  it('is only told of where the service can do without, and it is not well', async () => {
    const { fake, all, run, told } = await containers({ db: '' }, { checked: true })
    await fake.engine.containers.start('db')
    fake.health('db', 'unhealthy')
    const known = await all()
    await waitForDependencies(web(false), () => known, run)
    const reason = 'dependency failed to start: container db is unhealthy'
    expect(told).toEqual(['Container db Waiting', `optional dependency "db" failed to start: ${reason}`])
    await expect(waitForDependencies(web(true), () => known, run)).rejects.toThrow(reason)
  })

  it('is not waited for any longer when another service cannot be started', async () => {
    const here = await containers({ db: '', other: '', web: 'db:service_healthy:false' }, { checked: true })
    const { fake, all, run } = here
    fake.pause = (call, name) => (call === 'start' && name === 'other' ? waits(here) : Promise.resolve())
    fake.fault = (call, name) => (call === 'start' && name === 'other' ? new Error('port is taken') : undefined)
    await expect(startOnEngine(await all(), 'shop', run)).rejects.toThrow('port is taken')
    // The test's own patience would end the wait too.
    expect(run.signal.aborted).toBe(false)
    expect(fake.summary).toContain('web created')
  })
})
