import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'

const SHOP = `
name: shop
services:
  web: {image: "web:1", scale: 2, depends_on: [db]}
  db: {image: "db:1"}
  own: {image: "shop-own"}
`

const { manager, compose } = composeProject(SHOP)

const services = (): readonly string[] => (manager().projects.get('shop')?.spec.services ?? []).map(({ name }) => name)
const calls = (part: string): readonly string[] => manager().calls.filter(call => call.includes(part))

function hasOneOff(): void {
  const body = [{ Id: 'r1', Names: ['/n2/shop-web-run-abc'], Labels: {} }]
  manager().answers.set('GET /containers/json', { body }).set('DELETE /containers/r1', { status: 204 })
}

it('down removes what run has made, too', async () => {
  await compose('up -d')
  hasOneOff()
  const dry = await compose('down --dry-run')
  expect(dry.stdout).toMatch(/^- remove container shop-web-run-abc\n- remove service web\n/)
  expect(dry.stdout).toMatch(/\nProject shop: 0 to create, 0 to change, 4 to remove, 0 unchanged\n$/)
  expect(calls('DELETE /containers')).toEqual([])
  const { code, stderr } = await compose('down')
  expect(code).toBe(0)
  expect(stderr).toContain(' Container shop-web-run-abc  Removed\n')
  expect(calls('DELETE /containers')).toEqual(['DELETE /containers/r1?force=1&v=1'])
  expect(decodeURIComponent(calls('/containers/json')[0] ?? '')).toContain('"com.docker.compose.oneoff=True"')
})

it('down goes on when a host that has such a container is away', async () => {
  await compose('up -d')
  hasOneOff()
  manager().answers.set('DELETE /containers/r1', { status: 503, body: { message: 'n2 does not answer' } })
  const { code, stderr } = await compose('down')
  expect(code).toBe(0)
  expect(stderr).toContain('Warning: container shop-web-run-abc is left: n2 does not answer\n')
  expect(manager().projects.size).toBe(0)
})

it('down --rmi removes images: those that were built, or all', async () => {
  await compose('up -d')
  for (const image of ['web:1', 'db:1', 'shop-own']) manager().answers.set(`DELETE /images/${image}`, { body: [] })
  await compose('down --rmi local')
  expect(calls('DELETE /images')).toEqual(['DELETE /images/shop-own'])
  await compose('up -d')
  manager().answers.set('DELETE /images/db:1', { status: 409, body: { message: 'in use' } })
  const { stderr } = await compose('down --rmi all')
  expect(stderr).toContain(' Image web:1  Removed\n')
  expect(stderr).toContain('Warning: image db:1 is kept: in use\n')
  expect(await compose('down --rmi some')).toMatchObject({ code: 2 })
})

it('down counts the images that it would remove', async () => {
  await compose('up -d')
  const { stdout } = await compose('down --dry-run --rmi local')
  expect(stdout).toMatch(/\n- remove image shop-own\nProject shop: .* 4 to remove, 0 unchanged\n$/)
})

it('down says what goes only when its node returns', async () => {
  await compose('up -d')
  const steps = [
    { action: 'remove', kind: 'volume', name: 'shop_data', awaitedNode: 'n3' },
    { action: 'remove', kind: 'volume', name: 'shop_logs' },
  ]
  const warnings = ['n4 cannot be asked: copies of shop_logs that may be there are left']
  manager().answers.set('DELETE /v1/projects/shop', { body: { project: 'shop', changed: true, steps, warnings } })
  expect((await compose('down -v --dry-run')).stdout).toContain('- remove volume shop_data (when n3 returns)\n')
  manager().projects.delete('shop')
  const { code, stderr } = await compose('down -v')
  expect(code).toBe(0)
  expect(stderr).toContain(' Volume shop_data  Removed when n3 returns\n Volume shop_logs  Removed\n')
  expect(stderr).toContain('Warning: n4 cannot be asked: copies of shop_logs that may be there are left\n')
})

it('down of services leaves the others', async () => {
  await compose('up -d')
  manager().lives.set('db', [{ state: 'stopped' }])
  expect((await compose('down db')).code).toBe(0)
  expect(services()).toEqual(['web', 'own'])
  expect(manager().projects.get('shop')?.spec.services[0]?.dependsOn).toEqual([])
  expect((await compose('down nope')).stderr).toContain('no such service: nope')
})

it('rm removes what does not run, and with -s what runs', async () => {
  await compose('up -d')
  expect(await compose('rm -f')).toMatchObject({ code: 0, stderr: 'No stopped containers\n' })
  manager().lives.set('db', [{ state: 'complete', exitCode: 0 }])
  expect((await compose('rm', { input: 'n\n' })).stdout).toContain('Going to remove db')
  expect(services()).toEqual(['web', 'db', 'own'])
  expect((await compose('rm --dry-run')).code).toBe(0)
  expect((await compose('rm', { input: 'y\n' })).stderr).toContain(' Service db  Removed\n')
  expect(services()).toEqual(['web', 'own'])
  manager().lives.set('web', [{ state: 'stopped' }])
  expect((await compose('rm -fs web')).code).toBe(0)
  expect(services()).toEqual(['own'])
})

it.each(['restart', 'kill', 'pause', 'unpause'])('%s --dry-run does nothing', async verb => {
  await compose('up -d')
  expect((await compose(`${verb} --dry-run db`)).stdout).toBe(`${verb} container shop-db-1\n`)
  expect(calls(`/${verb}`)).toEqual([])
})
