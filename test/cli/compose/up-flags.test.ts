import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import { imageId, taskView } from '../support/fake-manager.ts'

const SHOP = `
name: shop
services:
  web: {image: "web:1", scale: 2, depends_on: [db]}
  db: {image: "db:1"}
`

const { manager, compose, write } = composeProject(SHOP)

const services = (): readonly string[] =>
  (manager().projects.get('shop')?.spec.services ?? []).map(
    ({ name, replicas, container }) => `${name} ${container.image} ${replicas}`,
  )
const applied = (): string => manager().calls.findLast(call => call.startsWith('PUT')) ?? ''

it('replaces by force what is asked about, and what it needs only with a flag', async () => {
  await compose('up -d')
  await compose('up -d --force-recreate web')
  expect(applied()).toContain('recreate=web&')
  await compose('up -d --force-recreate --always-recreate-deps web')
  expect(applied()).toContain('recreate=web%2Cdb')
  await compose('up -d')
  expect(applied()).not.toContain('recreate')
})

it('--no-recreate changes numbers only', async () => {
  await compose('up -d')
  await write(SHOP.replace('web:1', 'web:2').replace('scale: 2', 'scale: 3'))
  await compose('up -d --no-recreate')
  expect(services()).toEqual(['web web:1 3', 'db db:1 1'])
})

it('--scale takes a number for a service that is not asked about, and changes only what is', async () => {
  await compose('up -d')
  expect(await compose('up -d --scale web=3 --scale db=2 db')).toMatchObject({ code: 0 })
  expect(services().toSorted()).toEqual(['db db:1 2', 'web web:1 2'])
  expect(await compose('up -d --scale nope=3 db')).toMatchObject({
    code: 1,
    stderr: 'no such service: nope. The services are web, db\n',
  })
})

it('--no-start and create start nothing that does not run', async () => {
  await compose('up -d db')
  await compose('create')
  expect(services()).toEqual(['web web:1 0', 'db db:1 1'])
  await compose('up --no-start')
  expect(services()).toEqual(['web web:1 0', 'db db:1 1'])
})

it('--pull always pulls, and replaces what runs another image', async () => {
  await compose('up -d')
  manager().images.set('web:1', imageId(2)).set('db:1', imageId(1))
  manager().answers.set('POST /images/create', { body: { status: 'pulled' } })
  const container = (service: string): object => ({
    Id: `c-${service}-1`,
    Labels: { 'com.docker.compose.service': service },
    ImageID: imageId(1),
  })
  manager().answers.set('GET /containers/json', { body: [container('web'), container('db')] })
  const { code, stderr } = await compose('up -d --pull always')
  expect(code).toBe(0)
  expect(stderr).toContain(' Image web:1  Pulled\n')
  expect(applied()).toContain('recreate=web&')
})

it('--pull never needs the image to be there, and other words are refused', async () => {
  manager().images.set('web:1', imageId(1))
  expect((await compose('up -d --pull never')).stderr).toContain('No such image: db:1.')
  expect(manager().projects.size).toBe(0)
  expect(await compose('up -d --pull soon')).toMatchObject({ code: 2 })
  manager().answers.set('POST /images/create', { body: { error: 'manifest unknown' } })
  expect((await compose('up -d --pull always')).stderr).toContain('Cannot pull web:1: manifest unknown')
})

it('--abort-on-container-exit gives up on what never ends', async () => {
  manager().lives.set('web', [{ state: 'complete', exitCode: 0 }])
  const { projects } = manager()
  const set = projects.set.bind(projects)
  const stuck = taskView('db', 1, { desired: 'stopped' })
  projects.set = (name, view) => set(name, view.tasks.length === 0 ? { ...view, tasks: [stuck] } : view)
  const { code, stderr } = await compose('up --abort-on-container-exit')
  expect(code).toBe(1)
  expect(stderr).toMatch(/Not stopped after 300 s: shop-db-1 on n1\n$/)
})

it('--exit-code-from stops all when a container ends, and ends with the code of that service', async () => {
  manager().logs.set('c-db-1', ['2026-01-01T00:00:01Z done'])
  manager().lives.set('db', [{}, {}, { state: 'failed', exitCode: 4 }])
  manager().lives.set('web', [{}, {}, {}, {}, {}, { state: 'stopped', exitCode: 143 }])
  const { code, stdout, stderr } = await compose('up --exit-code-from db')
  expect(stdout).toContain('db-1  | done\n')
  expect(stderr).toContain('Aborting on container exit...\n')
  expect(code).toBe(4)
  expect(services()).toEqual(['web web:1 0', 'db db:1 0'])
  expect(
    manager()
      .projects.get('shop')
      ?.spec.services.map(({ restart }) => restart.condition),
  ).toEqual(['none', 'none'])
})

it.each([
  ['--abort-on-container-exit', 0],
  ['--abort-on-container-failure', 3],
])('%s ends with the code of the container that ended', async (flag, expected) => {
  manager().lives.set('db', [{ state: 'complete', exitCode: 0 }])
  manager().lives.set('web', [{}, {}, {}, { state: 'failed', exitCode: 3 }])
  expect((await compose(`up ${flag}`)).code).toBe(expected)
})

it('makes nothing when there is nobody to attach to', async () => {
  const { code, stderr } = await compose('up --no-attach web --no-attach db')
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'There is no service to attach to: use --detach\n' })
  expect(manager().calls.filter(call => call.startsWith('PUT'))).toEqual([])
})

it('shows only what is attached', async () => {
  manager().logs.set('c-db-1', ['2026-01-01T00:00:01Z from db']).set('c-web-1', ['2026-01-01T00:00:01Z from web'])
  manager().lives.set('db', [{}, {}, {}, {}, { state: 'failed', exitCode: 1 }])
  manager().lives.set('web', [{}, {}, {}, {}, { state: 'stopped', exitCode: 0 }])
  const without = await compose('up --abort-on-container-exit --no-attach db')
  expect(without.stdout).not.toContain('from db')
  const only = await compose('up --abort-on-container-exit --attach db')
  expect(only.stdout).not.toContain('from web')
})

it('-t kills what takes longer to stop', async () => {
  await compose('up -d')
  await write(SHOP.replace('db:1', 'db:2'))
  manager().answers.set('POST /containers/c-db-1/kill', { status: 204 })
  const stopping = { desired: 'stopped' as const, health: 'starting' as const }
  manager().lives.set('db', [...Array.from({ length: 20 }, () => stopping), { id: 'new', state: 'running' }])
  expect((await compose('up -d -t 0')).code).toBe(0)
  expect(manager().calls.filter(call => call.includes('/kill'))).toEqual([
    'POST /containers/c-db-1/kill?signal=SIGKILL',
  ])
})

it.each([
  ['--force-recreate --no-recreate'],
  ['-d --abort-on-container-exit'],
  ['--wait --exit-code-from db'],
  ['-d --attach web'],
])('refuses up %s', async flags => {
  const { code, stderr } = await compose(`up ${flags}`)
  expect(code).toBe(2)
  expect(stderr).toContain('are incompatible')
  expect(manager().calls).toEqual([])
})

it('refuses services that are not there in flags', async () => {
  expect((await compose('up --exit-code-from nope')).stderr).toContain('no such service: nope')
  expect((await compose('up --no-attach nope')).stderr).toContain('no such service: nope')
})
