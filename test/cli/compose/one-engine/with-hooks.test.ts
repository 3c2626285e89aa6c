import { beforeEach, describe, expect, it } from 'vitest'
import { startOnEngine, stopOnEngine } from '../../../../src/cli/commands/compose/one-engine/change-state.ts'
import { type Known, knownContainers } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import { removeInOrder } from '../../../../src/cli/commands/compose/one-engine/take-down.ts'
import type { HooksOf } from '../../../../src/cli/commands/compose/one-engine/with-hooks.ts'
import { world } from './up-world.ts'

const FILE = `name: shop
services:
  db: {image: "db:1", post_start: [{command: migrate}, {command: [seed, all]}], pre_stop: [{command: flush}]}
  web: {image: "web:1", depends_on: [db]}
`
const HOOKS: HooksOf = new Map([['db', { postStart: [{ command: ['warm'] }], preStop: [{ command: ['drain'] }] }]])

let here = world()
beforeEach(async () => {
  here = world()
})

/** What was done to containers that run. */
function acts(): readonly string[] {
  return here.fake.calls.filter(call => /^(?:start|stop|exec|remove|rename)/.test(call))
}

async function brought(): Promise<readonly Known[]> {
  await here.up(FILE)
  here.fake.calls.length = 0
  return knownContainers(here.fake.engine, 'shop')
}

describe('what services want done in their containers', () => {
  it('is done after they were started, before what depends on them is', async () => {
    await here.up(FILE)
    expect(acts()).toEqual([
      'start shop-db-1',
      'exec shop-db-1: migrate',
      'exec shop-db-1: seed all',
      'start shop-web-1',
    ])
  })

  it('ends the work when it fails, and leaves the container as it runs', async () => {
    here.fake.ran = command => ({ code: command === 'migrate' ? 2 : 0, output: 'no disk' })
    await expect(here.up(FILE)).rejects.toThrow('db post_start.0 hook exited with status 2: no disk')
    expect(here.fake.summary).toEqual(['shop-db-1 running', 'shop-web-1 created'])
  })

  it('is heard by who is attached, line by line', async () => {
    const heard: string[] = []
    const onHookLine = ({ service, number }: Pick<Known, 'service' | 'number'>, line: string): void =>
      void heard.push(`${service}-${number}: ${line}`)
    here.fake.ran = command => ({ code: 0, output: command === 'flush' ? '' : `${command}\ndone` })
    const containers = await brought()
    await stopOnEngine(containers, { ...here.run, hooks: HOOKS, onHookLine })
    expect(heard).toEqual(['db-1: drain', 'db-1: done'])
  })

  it('is given up with Ctrl-C, which does not keep it from being done before a stop', async () => {
    const containers = await brought()
    const ctrlC = new AbortController()
    const run = { ...here.run, hooks: HOOKS, signal: ctrlC.signal }
    await stopOnEngine(containers, run)
    here.fake.pause = (call, what) => {
      if (call === 'exec' && what.endsWith('warm')) ctrlC.abort(new Error('Ctrl-C'))
      return Promise.resolve()
    }
    const stopped = await knownContainers(here.fake.engine, 'shop')
    await expect(startOnEngine(stopped, 'shop', run)).rejects.toThrow('Ctrl-C')
    here.fake.calls.length = 0
    await stopOnEngine(await knownContainers(here.fake.engine, 'shop'), run)
    expect(acts()).toEqual(['exec shop-db-1: drain', 'stop shop-db-1'])
  })

  it('is done before one is stopped, and after it was started again', async () => {
    const containers = await brought()
    await stopOnEngine(containers, { ...here.run, hooks: HOOKS })
    await startOnEngine(await knownContainers(here.fake.engine, 'shop'), 'shop', { ...here.run, hooks: HOOKS })
    expect(acts()).toEqual([
      'stop shop-web-1',
      'exec shop-db-1: drain',
      'stop shop-db-1',
      'start shop-db-1',
      'exec shop-db-1: warm',
      'start shop-web-1',
    ])
  })

  it('keeps one that cannot be made ready from being stopped, replaced and removed', async () => {
    const containers = await brought()
    here.fake.ran = () => ({ code: 1, output: '' })
    const run = { ...here.run, hooks: HOOKS, volumes: false }
    await expect(stopOnEngine(containers, run)).rejects.toThrow('db pre_stop.0 hook exited with status 1')
    await expect(removeInOrder(containers, run)).rejects.toThrow('db pre_stop.0 hook exited with status 1')
    await expect(here.up(FILE, { recreate: ['db'] })).rejects.toThrow('db pre_stop.0 hook exited with status 1')
    expect(here.fake.summary).toContain('shop-db-1 running')
    expect(here.fake.summary.filter(line => line.includes('db'))).toHaveLength(1)
  })

  it('is not done in what has ended meanwhile, which is removed all the same', async () => {
    const containers = await brought()
    here.fake.exit('shop-db-1', 0)
    await removeInOrder(containers, { ...here.run, hooks: HOOKS, volumes: false })
    expect(here.fake.summary).toEqual([])
    expect(acts().filter(call => call.startsWith('exec'))).toEqual([])
  })
})
