import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { createVolumeStore, type VolumeMounter } from '../../../src/runtime/volumes/index.ts'

let dataRoot: string
const mounted = new Set<string>()
const mounter: VolumeMounter = {
  isMounted: async target => mounted.has(target),
  mount: (_device, target) => void mounted.add(target),
  unmount: target => void mounted.delete(target),
}

beforeEach(async () => {
  dataRoot = await mkdtemp(join(tmpdir(), 'shoal-volumes-'))
  mounted.clear()
})
afterEach(() => rm(dataRoot, { recursive: true, force: true }))

const open = (events: string[] = []) =>
  createVolumeStore(
    { dataRoot },
    {
      clock: new ManualClock(),
      random: seededRandom(7),
      log: silentLog,
      mounter,
      emit: (action, name) => void events.push(`${action} ${name}`),
    },
  )

it('makes a volume once, finds it again, and keeps it over a restart', async () => {
  const { volumes } = await open()
  const made = await volumes.create({ Name: 'data', Labels: { tier: 'db' } })
  expect(made).toMatchObject({ Name: 'data', Driver: 'local', Scope: 'local', Options: null, Labels: { tier: 'db' } })
  await writeFile(join(made.Mountpoint, 'file'), 'kept')
  expect(await volumes.create({ Name: 'data' })).toEqual(made)
  const again = await open()
  expect(await again.volumes.inspect('data')).toEqual(made)
  expect(await readFile(join(made.Mountpoint, 'file'), 'utf8')).toBe('kept')
})

it.each(['../etc', 'a/b', '.hidden', 'x', '', 'a b'].filter(name => name !== ''))('refuses the name %j', async name => {
  const { volumes } = await open()
  await expect(volumes.create({ Name: name })).rejects.toMatchObject({ status: 400, code: 'BAD_VOLUME_NAME' })
})

it('gives a volume without a name a long one and marks it anonymous', async () => {
  const { volumes } = await open()
  const made = await volumes.create({})
  expect(made.Name).toMatch(/^[0-9a-f]{64}$/)
  expect(made.Labels).toHaveProperty(['com.docker.volume.anonymous'])
})

it('will not remove what a container uses, even after a restart, and says which container', async () => {
  const { mounts } = await open()
  await mounts.prepare('c1', { HostConfig: { Binds: ['data:/d'] } }, {})
  const { volumes, mounts: later } = await open()
  await expect(volumes.remove('data', { force: true })).rejects.toMatchObject({
    status: 409,
    message: 'remove data: volume is in use - [c1]',
  })
  await later.release('c1', { anonymous: true })
  await volumes.remove('data', {})
  await expect(volumes.inspect('data')).rejects.toMatchObject({ status: 404, message: 'get data: no such volume' })
})

it('deletes anonymous volumes with their container when asked, never named ones', async () => {
  const events: string[] = []
  const { mounts, volumes } = await open(events)
  const prepared = await mounts.prepare('c1', { HostConfig: { Binds: ['named:/n'] } }, { Volumes: { '/anon': {} } })
  const anonymous = prepared.find(({ destination }) => destination === '/anon')?.point.Name
  await mounts.release('c1', { anonymous: true })
  expect((await volumes.list({})).map(({ Name }) => Name)).toEqual(['named'])
  expect(events).toContain(`destroy ${anonymous}`)
})

it('prepares the same volumes again for the same container', async () => {
  const { mounts, volumes } = await open()
  const image = { Volumes: { '/anon': {} } }
  const first = await mounts.prepare('c1', {}, image)
  expect(await (await open()).mounts.prepare('c1', {}, image)).toEqual(first)
  expect(await volumes.list({})).toHaveLength(1)
})

it('leaves nothing behind when one of several mounts is refused', async () => {
  const { mounts, volumes } = await open()
  const request = {
    HostConfig: { Binds: ['data:/d'], Mounts: [{ Type: 'bind', Source: '/no/such', Target: '/b' }] },
  } as const
  await expect(mounts.prepare('c1', request, {})).rejects.toMatchObject({
    status: 400,
    message: 'invalid mount config for type "bind": bind source path does not exist: /no/such',
  })
  expect(await volumes.list({})).toEqual([])
})

it('makes the missing source of a short bind', async () => {
  const { mounts } = await open()
  const source = join(dataRoot, 'host/dir')
  const [mount] = await mounts.prepare('c1', { HostConfig: { Binds: [`${source}:/d:ro`] } }, {})
  expect(mount).toMatchObject({ type: 'bind', source, options: ['rbind', 'rprivate', 'ro'], point: { RW: false } })
  await writeFile(join(source, 'there'), '')
})

it('fills a fresh volume from the image once, also when the first attempt was cut short', async () => {
  const { mounts, volumes } = await open()
  const root = join(dataRoot, 'root')
  await mkdir(join(root, 'srv/deep'), { recursive: true })
  await writeFile(join(root, 'srv/deep/page'), 'from the image')
  const request = { HostConfig: { Binds: ['site:/srv'] } }
  const [first] = await mounts.prepare('c1', request, {})
  if (first === undefined) throw new Error('no mount')
  expect(first.copyUp).toBe(true)
  await writeFile(join(dataRoot, 'volumes/site/copying'), '')
  await writeFile(join(first.source, 'half'), '')
  const [again] = await mounts.prepare('c1', request, {})
  expect(again?.copyUp).toBe(true)
  await mounts.copyUp(root, first)
  expect(await readFile(join(first.source, 'deep/page'), 'utf8')).toBe('from the image')
  await writeFile(join(first.source, 'deep/page'), 'changed')
  await mounts.copyUp(root, first)
  expect(await readFile(join(first.source, 'deep/page'), 'utf8')).toBe('changed')
  expect((await mounts.prepare('c2', request, {}))[0]?.copyUp).toBe(false)
  expect(await volumes.list({ filters: { dangling: ['true'] } })).toEqual([])
})

it.each([
  [{ Driver: 'nfs' }, 404, 'plugin "nfs" not found'],
  [{ DriverOpts: { size: '1g' } }, 400, 'invalid option: "size"'],
  [{ DriverOpts: { type: 'nfs', device: ':/x', o: 'addr=1.2.3.4' } }, 400, 'type "nfs" is not supported'],
  [{ DriverOpts: { o: 'bind' } }, 400, 'missing device'],
])('refuses a volume it cannot make: %j', async (request, status, message) => {
  const { volumes } = await open()
  await expect(volumes.create({ Name: 'data', ...request })).rejects.toMatchObject({
    status,
    message: expect.stringContaining(message),
  })
  expect(await volumes.list({})).toEqual([])
})

it('mounts the device of a volume while it is used, and again after a reboot', async () => {
  const { mounts, volumes } = await open()
  const { Mountpoint } = await volumes.create({ Name: 'fast', DriverOpts: { type: 'tmpfs', o: 'size=1m' } })
  expect(mounted.size).toBe(0)
  await mounts.prepare('c1', { HostConfig: { Binds: ['fast:/f'] } }, {})
  await mounts.prepare('c2', { HostConfig: { Binds: ['fast:/f'] } }, {})
  mounted.clear()
  const later = await open()
  expect([...mounted]).toEqual([Mountpoint])
  await later.mounts.release('c1', { anonymous: true })
  expect(mounted.size).toBe(1)
  await later.mounts.release('c2', { anonymous: true })
  expect(mounted.size).toBe(0)
})

it('refuses to take a volume for another with the same name', async () => {
  const { volumes } = await open()
  await volumes.create({ Name: 'data' })
  await expect(volumes.create({ Name: 'data', DriverOpts: { type: 'tmpfs' } })).rejects.toMatchObject({ status: 409 })
})

it('deletes what a crash left unfinished and brings back a volume whose record was lost', async () => {
  const { volumes } = await open()
  await volumes.create({ Name: 'data' })
  await mkdir(join(dataRoot, 'volumes/.new-other/_data'), { recursive: true })
  await rm(join(dataRoot, 'volumes/data/volume.json'))
  const again = await open()
  expect((await again.volumes.list({})).map(({ Name }) => Name)).toEqual(['data'])
  await expect(readFile(join(dataRoot, 'volumes/.new-other'))).rejects.toMatchObject({ code: 'ENOENT' })
})

it('filters by name, label and use', async () => {
  const { mounts, volumes } = await open()
  await volumes.create({ Name: 'web-data', Labels: { tier: 'web' } })
  await volumes.create({ Name: 'db-data', Labels: { tier: 'db', keep: '' } })
  await mounts.prepare('c1', { HostConfig: { Binds: ['db-data:/d'] } }, {})
  const names = async (filters: Record<string, string[]>) => (await volumes.list({ filters })).map(({ Name }) => Name)
  expect(await names({ name: ['web'] })).toEqual(['web-data'])
  expect(await names({ label: ['tier=db', 'keep'] })).toEqual(['db-data'])
  expect(await names({ 'label!': ['keep'] })).toEqual(['web-data'])
  expect(await names({ dangling: ['true'] })).toEqual(['web-data'])
  expect(await names({ dangling: ['false'] })).toEqual(['db-data'])
  await expect(names({ colour: ['red'] })).rejects.toMatchObject({ status: 400 })
})
