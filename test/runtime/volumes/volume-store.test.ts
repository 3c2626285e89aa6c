import { link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
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
  mount: async (_device, target) => void mounted.add(target),
  unmount: target => void mounted.delete(target),
  bind: (_source, target) => void mounted.add(target),
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
  expect(made.CreatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
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
  [{ Driver: 'nfs' }, 404, 'create data: error looking up volume plugin nfs: plugin "nfs" not found'],
  [{ DriverOpts: { size: '1g' } }, 400, 'create data: quota size requested but no quota support'],
  [{ DriverOpts: { color: 'red' } }, 400, 'create data: invalid option: "color"'],
  [{ DriverOpts: { o: 'bind' } }, 400, 'create data: missing required option: "device"'],
  [{ DriverOpts: { device: '/a' } }, 400, 'create data: missing required option: "type"'],
])('refuses a volume it cannot make: %j', async (request, status, message) => {
  const { volumes } = await open()
  await expect(volumes.create({ Name: 'data', ...request })).rejects.toMatchObject({ status, message })
  expect(await volumes.list({})).toEqual([])
})

it('mounts the device of a volume while containers run that use it', async () => {
  const events: string[] = []
  const { mounts, volumes } = await open(events)
  const DriverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }
  const { Mountpoint } = await volumes.create({ Name: 'fast', DriverOpts })
  const request = { HostConfig: { Binds: ['fast:/f'] } }
  const prepared = await mounts.prepare('c1', request, {})
  await mounts.prepare('c2', request, {})
  expect(mounted.size).toBe(0)
  await mounts.enter('c1', prepared)
  await mounts.enter('c2', prepared)
  expect([...mounted]).toEqual([Mountpoint])
  await mounts.leave('c1')
  expect(mounted.size).toBe(1)
  await mounts.leave('c2')
  expect(mounted.size).toBe(0)
  expect(events.filter(event => event.endsWith('mount fast'))).toHaveLength(4)
})

it('keeps the devices of runs that outlived the engine, and drops those of runs that did not', async () => {
  const { mounts, volumes } = await open()
  const DriverOpts = { type: 'tmpfs', device: 'tmpfs' }
  for (const Name of ['kept', 'lost']) await volumes.create({ Name, DriverOpts })
  const kept = await mounts.prepare('c1', { HostConfig: { Binds: ['kept:/f'] } }, {})
  await mounts.enter('c1', kept)
  await mounts.enter('c2', await mounts.prepare('c2', { HostConfig: { Binds: ['lost:/f', 'kept:/k'] } }, {}))
  const later = await open()
  later.mounts.adopt('c1', kept)
  await later.mounts.leave('c2')
  expect([...mounted]).toEqual([(await volumes.inspect('kept')).Mountpoint])
})

it('gives back the volume that is there, whatever options and labels are asked for the second time', async () => {
  const { volumes } = await open()
  const made = await volumes.create({ Name: 'data', DriverOpts: {}, Labels: {} })
  expect(made).toMatchObject({ Options: {}, Labels: {} })
  expect(await volumes.create({ Name: 'data', DriverOpts: { type: 'tmpfs' }, Labels: { a: 'b' } })).toEqual(made)
  await expect(volumes.create({ Name: 'data', Driver: 'other' })).rejects.toMatchObject({ status: 404 })
})

it('makes one volume of two requests at once, and never removes one that is being taken into use', async () => {
  const { mounts, volumes } = await open()
  const made = await Promise.all(
    [1, 2, 3].map(label => volumes.create({ Name: 'data', Labels: { label: String(label) } })),
  )
  expect(new Set(made.map(({ Labels }) => Labels?.['label'])).size).toBe(1)
  const [taken, removed] = await Promise.allSettled([
    mounts.prepare('c1', { HostConfig: { Binds: ['data:/d'] } }, {}),
    volumes.remove('data', {}),
  ])
  expect(taken.status).toBe('fulfilled')
  expect((await volumes.list({})).map(({ Name }) => Name)).toEqual(['data'])
  expect(removed.status === 'rejected' || (await volumes.inspect('data')).Labels === null).toBe(true)
})

it('mounts a part of a volume and nothing outside of it', async () => {
  const { mounts, volumes } = await open()
  const { Mountpoint } = await volumes.create({ Name: 'data' })
  await mkdir(join(Mountpoint, 'part/of'), { recursive: true })
  await symlink('/etc', join(Mountpoint, 'leak'))
  const request = (Subpath: string) => ({
    HostConfig: { Mounts: [{ Type: 'volume' as const, Source: 'data', Target: '/d', VolumeOptions: { Subpath } }] },
  })
  const prepared = await mounts.prepare('c1', request('part/of'), {})
  expect(prepared).toMatchObject([{ copyUp: false, point: { Source: Mountpoint } }])
  await mounts.enter('c1', prepared)
  expect([...mounted]).toEqual(prepared.map(({ source }) => source))
  await mounts.leave('c1')
  expect(mounted.size).toBe(0)
  for (const path of ['nothing', 'leak']) {
    const missing = await mounts.prepare('c2', request(path), {})
    await expect(mounts.enter('c2', missing)).rejects.toThrow(`cannot access path ${join(Mountpoint, path)}`)
    await mounts.release('c2', { anonymous: true })
  }
  for (const path of ['../x', '/part']) {
    await expect(mounts.prepare('c2', request(path), {})).rejects.toThrow('must be a relative path within the volume')
  }
})

it('takes over the mounts of other containers', async () => {
  const { mounts, volumes } = await open()
  const binds = { HostConfig: { Binds: ['data:/d', `${dataRoot}:/h`], Tmpfs: { '/t': '' } } }
  const origin = await mounts.prepare('c1', binds, { Volumes: { '/anon': {} } })
  const taken = await mounts.prepare('c2', { HostConfig: { Binds: ['mine:/h'] } }, { Volumes: { '/d': {} } }, [
    { mounts: origin, readOnly: true },
  ])
  expect(taken.map(({ point }) => [point.Destination, point.Type, point.RW])).toEqual([
    ['/h', 'volume', true],
    ['/d', 'volume', false],
    ['/anon', 'volume', false],
  ])
  await mounts.release('c1', { anonymous: true })
  expect(await volumes.list({})).toHaveLength(3)
  await mounts.release('c2', { anonymous: true })
  expect((await volumes.list({})).map(({ Name }) => Name)).toEqual(['data', 'mine'])
})

it('measures volumes: links once, directories nothing', async () => {
  const { mounts, volumes } = await open()
  const { Mountpoint } = await volumes.create({ Name: 'data' })
  await mounts.prepare('c1', { HostConfig: { Binds: ['data:/d'] } }, {})
  await mkdir(join(Mountpoint, 'sub'))
  await writeFile(join(Mountpoint, 'sub/file'), 'x'.repeat(1_000))
  await link(join(Mountpoint, 'sub/file'), join(Mountpoint, 'again'))
  await symlink('/etc', join(Mountpoint, 'etc'))
  expect(await volumes.list({ size: true })).toMatchObject([{ UsageData: { Size: 1_004, RefCount: 1 } }])
})

it('prunes what has no name, and with all=true what has one, but nothing in use', async () => {
  const { mounts, volumes } = await open()
  const { Name: nameless, Mountpoint } = await volumes.create({})
  await writeFile(join(Mountpoint, 'file'), '12345')
  await volumes.create({ Name: 'kept', Labels: { keep: 'yes' } })
  await volumes.create({ Name: 'named' })
  await mounts.prepare('c1', { HostConfig: { Binds: ['used:/d'] } }, {})
  expect(await volumes.prune({})).toEqual({ VolumesDeleted: [nameless], SpaceReclaimed: 5 })
  const filters = { all: ['true'], 'label!': ['keep'] }
  expect(await volumes.prune({ filters })).toEqual({ VolumesDeleted: ['named'], SpaceReclaimed: 0 })
  expect((await volumes.list({})).map(({ Name }) => Name)).toEqual(['kept', 'used'])
  await expect(volumes.prune({ filters: { name: ['kept'] } })).rejects.toThrow("invalid filter 'name'")
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
  expect(await names({ name: ['^db', 'b-d.*$'] })).toEqual(['db-data', 'web-data'])
  expect(await names({ driver: ['nfs'] })).toEqual([])
  expect(await names({ dangling: ['true'] })).toEqual(['web-data'])
  expect(await names({ dangling: ['false'] })).toEqual(['db-data'])
  await expect(names({ colour: ['red'] })).rejects.toMatchObject({ status: 400, message: "invalid filter 'colour'" })
  await expect(names({ dangling: ['x'] })).rejects.toThrow("invalid filter 'dangling=[x]'")
})
