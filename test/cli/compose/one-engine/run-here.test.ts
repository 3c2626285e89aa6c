import { expect, it } from 'vitest'
import { type RunningHere, runHere } from '../../../../src/cli/commands/compose/one-off/run-here.ts'
import type { ComposeCommand } from '../../../../src/cli/commands/compose/with-manager.ts'
import { loadProject, nodeFileReader, toEngineSpec } from '../../../../src/compose/index.ts'
import { failed } from '../../../../src/core/errors.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import type { ContainerCreateRequest } from '../../../../src/docker-api/index.ts'
import { FakeEngine } from '../../../support/fake-engine.ts'
import { quietContext } from '../../support/context.ts'

const FILE = `name: shop
services:
  db: {image: "db:1", healthcheck: {test: ok}}
  web: {image: "web:1", network_mode: "service:db"}
  job: {image: "web:1", links: ["db:store"]}
  report: {image: "web:1", depends_on: {db: {condition: service_healthy, required: false}}}
  files: {image: "web:1", configs: [words]}
  hooked: {image: "web:1", post_start: [{command: migrate}, {command: [warm, up]}], pre_stop: [{command: drain}]}
configs: {words: {content: hello}}
`

/** `run -d` of a service on an engine where `db` runs, and what the engine is asked to make. */
async function world() {
  const clock = new ManualClock()
  const fake = new FakeEngine(clock, ['db:1', 'web:1'])
  const Labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'db' }
  const { Id } = await fake.engine.containers.create({ Image: 'db:1', Labels }, { name: 'shop-db-1' })
  await fake.engine.containers.start(Id)
  const asked: ContainerCreateRequest[] = []
  const warned: string[] = []
  const run = async (service: string, { deps = false } = {}): Promise<number> => {
    const load = { cwd: '/', env: {}, files: ['-'], stdin: () => FILE, services: [service], withDependencies: deps }
    const project = loadProject(load, nodeFileReader)
    const command = {
      args: [service],
      options: {
        flag: (name: string) => name === 'detach',
        choice: () => undefined,
        text: () => undefined,
        list: () => [],
        number: () => undefined,
      },
      globals: {},
      context: quietContext({ clock, signal: AbortSignal.timeout(10_000) }),
      api: {
        ask: async (_: string, path: string, { body }: { body?: ContainerCreateRequest } = {}) => {
          const [, started] = /^\/containers\/(.*)\/start$/.exec(path) ?? []
          if (started !== undefined) return fake.engine.containers.start(started)
          if (path !== '/containers/create' || body === undefined) return undefined
          asked.push(body)
          return fake.engine.containers.create(body, { name: `once-${asked.length}` })
        },
      },
      manager: { engine: fake.engine },
    } as unknown as ComposeCommand
    const progress = {
      tell: () => {},
      parts: () => {},
      print: () => {},
      between: (write: () => void) => write(),
      end: () => {},
      warn: (text: string) => warned.push(text),
    }
    const { spec } = toEngineSpec(project)
    return runHere(command, { project, spec, service, progress } satisfies RunningHere)
  }
  return { fake, run, asked, warned, db: Id }
}

it('shares with what runs and is linked to it, though it is not asked about', async () => {
  const { run, asked, db } = await world()
  expect(await run('web')).toBe(0)
  expect(await run('job')).toBe(0)
  expect(asked[0]?.HostConfig?.NetworkMode).toBe(`container:${db}`)
  expect(asked[1]?.NetworkingConfig?.EndpointsConfig?.['shop_default']?.Links).toContain('shop-db-1:store')
})

it('says which service is not there to share with', async () => {
  const { run, fake } = await world()
  fake.vanish('shop-db-1')
  await expect(run('web')).rejects.toMatchObject({ code: 'NO_CONTAINER_TO_SHARE' })
})

it('does without what it does not require', async () => {
  const { run, fake, asked, warned } = await world()
  fake.health('shop-db-1', 'unhealthy')
  expect(await run('report', { deps: true })).toBe(0)
  expect(asked).toHaveLength(1)
  const reason = 'dependency failed to start: container shop-db-1 is unhealthy'
  expect(warned).toContain(`optional dependency "db" failed to start: ${reason}`)
})

it('leaves no container that could not be made ready', async () => {
  const { run, fake } = await world()
  Object.assign(fake.engine.containers, {
    writeArchive: async () => {
      throw failed('NO_SPACE', 'no space left')
    },
  })
  await expect(run('files')).rejects.toThrow('no space left')
  expect(fake.summary).toEqual(['shop-db-1 running'])
})

it('does in the container what its service wants done after a start, as with docker compose, and tells if it fails', async () => {
  const { run, fake } = await world()
  expect(await run('hooked')).toBe(0)
  const acts = ['start once-1', 'exec once-1: migrate', 'exec once-1: warm up']
  expect(fake.calls.filter(call => call.includes('once-1') && !call.startsWith('create'))).toEqual(acts)
  fake.ran = () => ({ code: 2, output: 'no disk' })
  await expect(run('hooked')).rejects.toThrow('hooked post_start.0 hook exited with status 2: no disk')
})
