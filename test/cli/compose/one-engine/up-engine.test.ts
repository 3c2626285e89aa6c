import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { knownContainers } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import { type UpOptions, upOnEngine } from '../../../../src/cli/commands/compose/one-engine/up-engine.ts'
import { loadProject, nodeFileReader, toEngineSpec } from '../../../../src/compose/index.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { FakeEngine } from '../../../support/fake-engine.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-up-engine-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const FILE = `name: shop
services:
  db: {image: "db:1", volumes: [data:/data], healthcheck: {test: ok}}
  web: {image: "web:1", scale: 2, depends_on: {db: {condition: service_healthy, restart: true}}}
volumes: {data: {}}
`

const PLAIN: UpOptions = {
  dryRun: false,
  recreate: [],
  keep: false,
  start: true,
  removeOrphans: false,
  renewVolumes: false,
}

/** An engine, and what brings it to what a file says. */
function world() {
  const clock = new ManualClock()
  const fake = new FakeEngine(clock, ['db:1', 'db:2', 'web:1'])
  const told: string[] = []
  const up = async (text: string, options: Partial<UpOptions> = {}, services: readonly string[] = []) => {
    const file = join(directory, 'compose.yaml')
    writeFileSync(file, text)
    // Services are named as with --no-deps.
    const load = { cwd: directory, env: {}, files: [file], services, withDependencies: services.length === 0 }
    const project = loadProject(load, nodeFileReader)
    const { spec } = toEngineSpec(project)
    fake.calls.length = 0
    return upOnEngine(
      { project, spec },
      { ...PLAIN, ...options },
      {
        engine: fake.engine,
        clock,
        signal: AbortSignal.timeout(10_000),
        tell: (what, news) => told.push(`${what} ${news}`),
        warn: message => told.push(message),
        stopping: {},
      },
    )
  }
  return { clock, fake, told, up }
}

/** Lets what waits for the health of a container look again. */
async function whenHealthy({ clock, fake }: ReturnType<typeof world>, name: string): Promise<void> {
  await until(() => fake.summary.includes(`${name} running`))
  fake.health(name, 'healthy')
  await until(() => clock.nextDueMs() !== undefined)
  await clock.advance(1_000)
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}

async function brought(): Promise<ReturnType<typeof world>> {
  const here = world()
  const done = here.up(FILE)
  await whenHealthy(here, 'shop-db-1')
  await done
  return here
}

describe('up on one engine', () => {
  it('makes everything first, and starts what depends on others when they are healthy', async () => {
    const { fake } = await brought()
    expect(fake.calls.slice(0, 2).sort()).toEqual(['network shop_default', 'volume shop_data'])
    expect(fake.calls[2]).toBe('create shop-db-1')
    expect(fake.calls.slice(3, 5).sort()).toEqual(['create shop-web-1', 'create shop-web-2'])
    expect(fake.calls[5]).toBe('start shop-db-1')
    expect(fake.calls.slice(6).sort()).toEqual(['start shop-web-1', 'start shop-web-2'])
  })

  it('changes nothing where all is as the files say, and names what it would change otherwise', async () => {
    const { fake, up } = await brought()
    expect((await up(FILE)).changed).toBe(false)
    expect(fake.calls).toEqual([])
    const { steps } = await up(FILE.replace('scale: 2', 'scale: 2, hostname: h'), { dryRun: true })
    const changes = steps.filter(({ action }) => action !== 'keep')
    expect(changes.map(({ name, because }) => [name, because])).toEqual([
      ['shop-web-1', ['configuration']],
      ['shop-web-2', ['configuration']],
    ])
    expect(fake.calls).toEqual([])
  })

  it('keeps the old container running when the new one cannot be made', async () => {
    const { fake, up } = await brought()
    fake.fault = call => (call === 'create' ? new Error('no space left') : undefined)
    await expect(up(FILE, { recreate: ['web'] })).rejects.toThrow('no space left')
    expect(fake.summary).toEqual(['shop-db-1 running', 'shop-web-1 running', 'shop-web-2 running'])
  })

  it('leaves one container a number after a replacement that was cut short', async () => {
    const { fake, up } = await brought()
    fake.fault = call => (call === 'rename' ? new Error('cut short') : undefined)
    await expect(up(FILE, { recreate: ['web'] })).rejects.toThrow('cut short')
    fake.fault = () => undefined
    await up(FILE)
    const known = await knownContainers(fake.engine, 'shop')
    expect(known.map(({ service, number }) => `${service} ${number}`)).toEqual(['db 1', 'web 1', 'web 2'])
    expect(fake.summary).toEqual(['shop-db-1 running', 'shop-web-1 running', 'shop-web-2 running'])
    expect((await up(FILE)).changed).toBe(false)
  })

  it('makes anew what shares the network, the processes or the volumes of what is replaced', async () => {
    const { fake, up } = world()
    const file = (image: string): string => `name: shop
services:
  db: {image: "${image}"}
  net: {image: "web:1", network_mode: "service:db"}
  pid: {image: "web:1", pid: "service:net"}
  data: {image: "web:1", volumes_from: ["db:ro"]}
  outside: {image: "web:1", volumes_from: ["container:db"]}
`
    await up(file('db:1'))
    const { steps } = await up(file('db:2'))
    const changed = steps.filter(({ action, kind }) => action === 'update' && kind === 'container')
    expect(changed.map(({ name, because = [] }) => `${name}: ${because.join(', ')}`).toSorted()).toEqual([
      'shop-data-1: db is replaced',
      'shop-db-1: configuration, image',
      'shop-net-1: db is replaced',
      'shop-pid-1: net is replaced',
    ])
    const [db, net] = [fake.find('shop-db-1'), fake.find('shop-net-1')]
    expect(net.request.HostConfig?.NetworkMode).toBe(`container:${db.id}`)
    expect(fake.find('shop-pid-1').request.HostConfig?.PidMode).toBe(`container:${net.id}`)
  })

  it('knows the containers of services that it is to leave alone', async () => {
    const { fake, up } = world()
    const file = `name: shop
services:
  db: {image: "db:1"}
  web: {image: "web:1", links: ["db:store"], depends_on: {db: {condition: service_started, restart: true}}}
  net: {image: "web:1", network_mode: "service:db"}
`
    await expect(up(file, {}, ['net'])).rejects.toMatchObject({ code: 'NO_CONTAINER_TO_SHARE', status: 409 })
    await up(file, {}, ['db'])
    const { containers } = await up(file, {}, ['web', 'net'])
    expect(containers.map(({ name }) => name)).toEqual(['shop-web-1', 'shop-net-1'])
    const { Labels, NetworkingConfig } = fake.find('shop-web-1').request
    expect(Labels?.['com.docker.compose.depends_on']).toBe('db:service_started:true')
    expect(NetworkingConfig?.EndpointsConfig?.['shop_default']?.Links).toContain('shop-db-1:store')
    expect(fake.find('shop-net-1').request.HostConfig?.NetworkMode).toBe(`container:${fake.find('shop-db-1').id}`)
    expect((await up(file)).changed).toBe(false)
  })

  it('gives up on what waits as soon as a dependency cannot be started', async () => {
    const here = world()
    const { fake, up } = here
    fake.fault = (call, name) => (call === 'start' && name === 'shop-other-1' ? new Error('port is taken') : undefined)
    const file = FILE.replace('volumes: {data', '  other: {image: "web:1"}\nvolumes: {data')
    await expect(up(file)).rejects.toThrow('port is taken')
    expect(fake.summary).toContain('shop-web-1 created')
  })

  it('says why a dependency will never be well', async () => {
    const here = world()
    const done = here.up(FILE)
    done.catch(() => {})
    await until(() => here.fake.summary.includes('shop-db-1 running'))
    here.fake.health('shop-db-1', 'unhealthy')
    await until(() => here.clock.nextDueMs() !== undefined)
    await here.clock.advance(1_000)
    await expect(done).rejects.toThrow('dependency failed to start: container shop-db-1 is unhealthy')
  })

  it('tells of containers whose service the files do not name any more, and removes them if asked', async () => {
    const { fake, told, up } = await brought()
    const alone = 'name: shop\nservices: {web: {image: "web:1"}}\n'
    await up(alone)
    expect(told.join('\n')).toContain('Found orphan containers ([shop-db-1])')
    expect(fake.summary).toEqual(['shop-db-1 running', 'shop-web-1 running'])
    await up(alone, { removeOrphans: true })
    expect(fake.summary).toEqual(['shop-web-1 running'])
  })

  it('leaves networks of others alone', async () => {
    const { fake, up } = world()
    await fake.engine.networks.create({ Name: 'shop_default' })
    await expect(up(FILE)).rejects.toThrow('network shop_default was found but has incorrect label')
  })
})

describe('a network that the files have changed', () => {
  const file = (internal: boolean): string => `name: shop
services: {db: {image: "db:1"}, web: {image: "web:1"}}
networks: {default: {internal: ${internal}}}
`

  /** What is up on a network, and what happens to the network from then on. */
  async function onNetwork(more: Readonly<Record<string, string>> = {}) {
    const here = world()
    await here.up(file(false))
    const { networks } = here.fake.engine
    const { inspect, list } = networks
    const ids = ['shop-db-1', 'shop-web-1'].map(name => [here.fake.find(name).id, name])
    const names = { ...Object.fromEntries(ids), ...more }
    const gone: string[] = []
    Object.assign(networks, {
      inspect: async (id: string) => {
        const Containers = Object.fromEntries(Object.entries(names).map(([key, Name]) => [key, { Name }]))
        return { ...(await inspect(id)), Containers }
      },
      list: async () => (gone.includes('remove shop_default') ? [] : list({})),
      disconnect: async (_: string, id: string) => void gone.push(`off ${names[id]}`),
      remove: async (id: string) => void gone.push(`remove ${id}`),
    })
    return { ...here, gone }
  }

  it('is made anew with all that are on it', async () => {
    const { up, gone, fake } = await onNetwork()
    await up(file(true))
    expect(gone).toEqual(['off shop-db-1', 'off shop-web-1', 'remove shop_default'])
    expect(fake.calls[0]).toBe('network shop_default')
    expect(fake.summary).toEqual(['shop-db-1 running', 'shop-web-1 running'])
  })

  it('has all come back to it that lost it when it could not be made', async () => {
    const { up, fake } = await onNetwork()
    fake.fault = (call, name) => (call === 'network' ? new Error(`no room for ${name}`) : undefined)
    await expect(up(file(true))).rejects.toThrow('no room for shop_default')
    fake.fault = () => undefined
    const { steps } = await up(file(false))
    expect(steps.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'create shop_default',
      'update shop-db-1',
      'update shop-web-1',
    ])
  })

  it('is left alone while others are on it, who would lose it', async () => {
    const { up, gone, fake } = await onNetwork({ x: 'somebody' })
    await expect(up(file(true))).rejects.toThrow(
      'network shop_default was changed, and these containers are on it: somebody.',
    )
    await expect(up(file(true), {}, ['web'])).rejects.toThrow('shop-db-1, somebody.')
    expect([...gone, ...fake.calls]).toEqual([])
  })

  it('is kept, and told of, where nothing may be made anew', async () => {
    const { up, gone, fake, told } = await onNetwork({ x: 'somebody' })
    expect((await up(file(true), { keep: true })).changed).toBe(false)
    expect([...gone, ...fake.calls]).toEqual([])
    expect(told).toContain('Network shop_default was changed in the files, and is kept as it is')
  })
})
