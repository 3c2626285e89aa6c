import { afterEach, expect, it } from 'vitest'
import type { FileSpec, ProjectSpec } from '../../../src/core/model/service.ts'
import { packParcel } from '../../../src/core/parcel.ts'
import { APPLY, keys, makeWorld, projectSpec, serviceSpec, type World } from '../support.ts'

let world: World
afterEach(() => world.close())

/** A project whose service has one secret. */
function withSecret(text: string, change: Partial<ProjectSpec> = {}): ProjectSpec {
  const { id, bytes } = packParcel([{ path: '', kind: 'file', mode: 0o444, data: Buffer.from(text) }])
  const file: FileSpec = { kind: 'secret', name: 'key', target: '/run/secrets/key', id }
  const web = serviceSpec('web', { container: { image: 'busybox', files: [file] } })
  return projectSpec('shop', [web], { contents: { [id]: Buffer.from(bytes).toString('base64') }, ...change })
}

async function apply(spec: ProjectSpec, how = APPLY) {
  const applied = world.manager.apply(spec, how)
  applied.catch(() => {})
  await world.pass(4_000)
  return applied
}

async function keptFiles(): Promise<string[]> {
  const { items } = await world.store.list(keys.filesOf('shop'))
  return items.map(({ key }) => key).filter(key => !key.endsWith('/salt'))
}

const idInSpec = (): string | undefined =>
  world.manager.snapshot().services.get('shop.web')?.value.spec.container.files?.[0]?.id

it('keeps what services need apart from all that is shown, under a name that tells nothing of it', async () => {
  world = await makeWorld(['n1'])
  const spec = withSecret('hunter2')
  await apply(spec)
  const id = idInSpec()
  expect(id).not.toBe(Object.keys(spec.contents ?? {})[0])
  expect(await keptFiles()).toEqual([`${keys.filesOf('shop')}${id}/last`])
  const shown = JSON.stringify([...world.manager.snapshot().projects.values()])
  expect(shown).not.toContain('contents')
  expect((await apply(spec)).changed).toBe(false)
})

it('replaces the service when its content changes, and forgets what no task needs any more', async () => {
  world = await makeWorld(['n1'])
  await apply(withSecret('one'))
  const changed = await apply(withSecret('two'))
  expect(changed.steps).toEqual([{ action: 'update', kind: 'service', name: 'web', because: ['files'] }])
  await apply(withSecret('three'))
  await apply(withSecret('four'))
  // The present content, and the one before it for a way back; a task that has just ended may still name a third.
  expect((await keptFiles()).length).toBeLessThanOrEqual(3)
  expect(await keptFiles()).toContain(`${keys.filesOf('shop')}${idInSpec()}/last`)
})

it('writes nothing for a plan, and takes everything away with the project', async () => {
  world = await makeWorld(['n1'])
  await apply(withSecret('one'), { ...APPLY, dryRun: true })
  expect((await world.store.list(keys.filesOf('shop'))).items).toEqual([])
  await apply(withSecret('one'))
  void world.manager.remove('shop', { volumes: false, dryRun: false })
  await world.pass(10_000)
  expect(world.manager.snapshot().projects.size).toBe(0)
  expect((await world.store.list(keys.filesOf('shop'))).items).toEqual([])
})

it('goes on with content it has, and refuses what it neither has nor gets', async () => {
  world = await makeWorld(['n1'])
  await apply(withSecret('one'))
  const stored = world.manager.snapshot().projects.get('shop')?.value
  expect((await apply({ ...withSecret('one'), ...stored, contents: {} })).changed).toBe(false)
  const { contents: _, ...without } = withSecret('two')
  await expect(apply(without)).rejects.toMatchObject({ code: 'FILES_GONE', status: 409 })
})

it('refuses content that is not what it says', async () => {
  world = await makeWorld(['n1'])
  const spec = withSecret('one')
  const contents = Object.fromEntries(Object.keys(spec.contents ?? {}).map(id => [id, 'nonsense']))
  await expect(apply({ ...spec, contents })).rejects.toMatchObject({ code: 'BAD_CONTENT', status: 400 })
})
