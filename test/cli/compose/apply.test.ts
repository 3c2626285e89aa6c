import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { planFileOf } from '../../../src/cli/commands/compose/up/plan-file.ts'
import { composeProject } from '../support/compose-project.ts'

const SHOP = 'name: shop\nservices: {web: {image: "web:1"}}\n'
const { manager, directory, write, compose } = composeProject(SHOP)

const isUp = (): boolean => manager().projects.has('shop')
const PLAN = '+ create service web\nProject shop: 1 to create, 0 to change, 0 to remove, 0 unchanged\n'

it('apply shows the plan, and does it once that is agreed to', async () => {
  const no = await compose('apply', { input: 'n\n' })
  expect(no).toMatchObject({ code: 1, stdout: expect.stringContaining(PLAN) })
  expect(isUp()).toBe(false)
  const yes = await compose('apply', { input: 'y\n' })
  expect(yes).toMatchObject({ code: 0, stderr: expect.stringContaining(' Service web  Started\n') })
  expect(isUp()).toBe(true)
})

it('apply -y asks nothing, --dry-run does nothing, and nothing is asked where nothing changes', async () => {
  expect(await compose('apply --dry-run')).toEqual({ code: 0, stdout: PLAN, stderr: '' })
  expect(isUp()).toBe(false)
  expect(await compose('apply -y')).toMatchObject({ code: 0, stdout: PLAN })
  expect(await compose('apply')).toEqual({
    code: 0,
    stdout: '  keep   service web\nProject shop: everything is unchanged\n',
    stderr: '',
  })
})

it('apply --plan does what was planned', async () => {
  await compose('plan --out plan.json')
  expect((await stat(join(directory(), 'plan.json'))).mode & 0o777).toBe(0o600)
  expect(await compose('apply --plan plan.json')).toMatchObject({ code: 0, stdout: PLAN })
  expect(isUp()).toBe(true)
})

it.each([
  ['the files or flags ask for something else now', 'web:2', 'apply --plan plan.json'],
  ['the files or flags ask for something else now', 'web:1', 'apply --scale web=3 --plan plan.json'],
  ['it is of the project shop', 'web:1', '-p other apply --plan plan.json'],
])('apply --plan does nothing when %s', async (why, image, line) => {
  await compose('plan --out plan.json')
  await write(SHOP.replace('web:1', image))
  expect(await compose(line)).toMatchObject({
    code: 3,
    stdout: '',
    stderr: `The plan does not hold any more: ${why}. Nothing was done; plan again\n`,
  })
  expect(manager().projects.size).toBe(0)
})

it('apply --plan does nothing when somebody else has changed the project', async () => {
  await compose('plan --out plan.json')
  await compose('up -d')
  expect(await compose('apply --plan plan.json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('the project was changed in the cluster meanwhile'),
  })
})

it('says where no plan can be written', async () => {
  const path = join(directory(), 'none', 'x.json')
  const message = (why: string): object => ({ code: 1, stderr: expect.stringMatching(new RegExp(`${why}\n$`)) })
  expect(await compose(`plan --out ${path}`)).toMatchObject(
    message(`^Cannot write ${path}: there is no such directory`),
  )
  expect(await compose('plan --out .')).toMatchObject(message('^Cannot write .*: is a directory'))
})

it('says what is no plan', async () => {
  await writeFile(join(directory(), 'bad.json'), '{}')
  expect(await compose('apply --plan bad.json')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is no plan'),
  })
  expect((await compose('apply --plan gone.json')).stderr).toMatch(/^Cannot read the plan .*gone.json: ENOENT/)
  expect(await readFile(join(directory(), 'bad.json'), 'utf8')).toBe('{}')
})

it('a plan is held to all that the files say, be it more than a cluster is told', () => {
  const planned = { result: { project: 'shop', steps: [], changed: true }, running: undefined }
  const wanted = { name: 'shop', services: [], networks: [], volumes: [] }
  const [one, other] = ['always', 'no'].map(restart => ({
    ...planned,
    wanted,
    model: { services: { web: { restart } } },
  }))
  if (one === undefined || other === undefined) throw new Error('there are two')
  expect(planFileOf(one)).toEqual(planFileOf({ ...one, model: { services: { web: { restart: 'always' } } } }))
  expect(planFileOf(one).to).not.toBe(planFileOf(other).to)
})
