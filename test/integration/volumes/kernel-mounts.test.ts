import { chownSync, existsSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { errorMessage } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import type { HostConfig } from '../../../src/docker-api/index.ts'
import { unmount } from '../../../src/runtime/linux/mount.ts'
import { createVolumeStore, type VolumeStore } from '../../../src/runtime/volumes/index.ts'
import { mountApart } from '../../../src/runtime/volumes/mount-apart.ts'

const PATIENCE = { timeout: 20_000 }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal volumes-'))
})
afterEach(async () => {
  for (const { target } of await mountsBelow(directory)) unmount(target)
  await rm(directory, { recursive: true })
})

const open = () =>
  createVolumeStore({ dataRoot: directory }, { clock: systemClock, random: systemRandom, log: silentLog })

async function mountsBelow(path: string): Promise<{ target: string; text: string }[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map(text => ({ text, target: (text.split(' ')[4] ?? '').replaceAll('\\040', ' ') }))
    .filter(({ target }) => target.startsWith(path))
}

const run = async (store: VolumeStore, id: string, HostConfig: HostConfig) => {
  const mounts = await store.mounts.prepare(id, { HostConfig }, {})
  await store.mounts.enter(id, mounts)
  return mounts
}

it('mounts a tmpfs with its size while it is used, once for all users', async () => {
  const store = await open()
  const { mounts, volumes } = store
  await volumes.create({ Name: 'fast', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noexec' } })
  for (const id of ['c1', 'c2']) await run(store, id, { Binds: ['fast:/f'] })
  const [mounted, ...others] = await mountsBelow(directory)
  expect(others).toEqual([])
  expect(mounted?.text).toMatch(/noexec.* tmpfs .*size=1024k/)
  await mounts.leave('c1')
  expect(await mountsBelow(directory)).toHaveLength(1)
  const later = await open()
  await later.mounts.leave('c2')
  expect(await mountsBelow(directory)).toEqual([])
  for (const id of ['c1', 'c2']) await later.mounts.release(id, { anonymous: true })
  await later.volumes.remove('fast', {})
})

it('binds a directory of the host, read-only if asked, and never deletes what is in it', async () => {
  const source = join(directory, 'mine')
  await mkdir(source)
  await writeFile(join(source, 'file'), 'precious')
  const store = await open()
  await store.volumes.create({ Name: 'bound', DriverOpts: { type: 'none', o: 'bind,ro', device: source } })
  const [mount] = await run(store, 'c1', { Binds: ['bound:/b'] })
  expect(await readFile(join(mount?.source ?? '', 'file'), 'utf8')).toBe('precious')
  await expect(writeFile(join(mount?.source ?? '', 'new'), '')).rejects.toMatchObject({ code: 'EROFS' })
  await store.mounts.leave('c1')
  await store.mounts.release('c1', { anonymous: true })
  await store.volumes.remove('bound', {})
  expect(await readFile(join(source, 'file'), 'utf8')).toBe('precious')
})

it.each([
  [
    { type: 'none', o: 'bind', device: '/no/such/place' },
    /mount \/no\/such\/place:.*, flags: 0x1000: no such file or directory/,
  ],
  [{ type: 'tmpfs', o: 'size=much', device: 'tmpfs' }, /, data: size=much: invalid argument/],
  [{ type: 'nosuchfs', device: 'none' }, /mount none:.*: no such device$/],
  [{ type: 'ext4', device: '/no/such/disk', o: 'ro,noatime,data=journal' }, /, flags: 0x401, data: data=journal: /],
  [{ type: 'cifs', o: 'username=me', device: '//no.such.host.invalid/share' }, /error resolving passed in network vol/],
  [{ type: 'nfs', o: 'addr=no.such.host.invalid', device: ':/x' }, /error resolving passed in network volume address/],
  [{ type: 'nfs', o: 'addr=127.0.0.1,soft,timeo=1,retrans=1', device: ':/x' }, /mount :\/x:.*, data: addr=127.0.0.1/],
])('says which device of which volume cannot be mounted, and can still remove it: %j', async (DriverOpts, message) => {
  const store = await open()
  await store.volumes.create({ Name: 'broken', DriverOpts })
  await expect(run(store, 'c1', { Binds: ['broken:/b'] })).rejects.toMatchObject({
    status: 500,
    message: expect.stringMatching(message),
  })
  await store.mounts.leave('c1')
  await store.mounts.release('c1', { anonymous: true })
  await store.volumes.remove('broken', {})
})

it.each([
  [{ type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noatime,nodiratime' }, /noatime,nodiratime.* tmpfs .*size=1024k/],
  [{ type: 'none', device: '/usr', o: 'bind,ro,noatime' }, /ro,noatime/],
])('does all that is asked for: %j', async (DriverOpts, expected) => {
  const store = await open()
  await store.volumes.create({ Name: 'asked', DriverOpts })
  await run(store, 'c1', { Binds: ['asked:/a'] })
  expect((await mountsBelow(directory)).map(({ text }) => text)).toEqual([expect.stringMatching(expected)])
  await store.mounts.leave('c1')
  expect(await mountsBelow(directory)).toEqual([])
})

it('mounts a share of another host by its address, and keeps its password to itself', async () => {
  const store = await open()
  const o = 'username=me,password=hunter2,nosuid'
  await store.volumes.create({ Name: 'share', DriverOpts: { type: 'cifs', o, device: '//localhost/share/of/mine' } })
  // Nobody serves it here: whatever the reason, the words are Docker's.
  const failure: unknown = await run(store, 'c1', { Binds: ['share:/s'] }).catch((error: unknown) => error)
  const message = errorMessage(failure)
  expect(message).toMatch(
    / mount \/\/(127\.0\.0\.1|::1)\/share\/of\/mine:\/.*, flags: 0x2, data: username=me,password=\*+: /,
  )
  expect(message).not.toContain('hunter2')
})

it('gives a mount up that never ends, and leaves nothing of it', async () => {
  const program = join(directory, 'silent.mjs')
  const pidFile = join(directory, 'pid')
  // Like a mount of a server that is down: only SIGKILL ends it.
  await writeFile(
    program,
    `import { writeFileSync } from 'node:fs'
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {})
    process.on('message', () => writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)))`,
  )
  const clock = new ManualClock()
  const request = { source: ':/x', target: directory, type: 'nfs', data: 'addr=127.0.0.1' }
  const given = mountApart(request, { clock, program: pathToFileURL(program) }).catch((error: unknown) => error)
  const pid = await vi.waitFor(async () => {
    const text = await readFile(pidFile, 'utf8')
    expect(text).toMatch(/^\d+$/)
    return Number(text)
  }, PATIENCE)
  await clock.advance(60_000)
  expect(errorMessage(await given)).toBe('the server did not answer within 60 s')
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), PATIENCE)
})

it('passes a mount on to others that share it', async () => {
  const store = await open()
  await store.volumes.create({ Name: 'ram', DriverOpts: { type: 'tmpfs', o: 'rslave,size=1m', device: 'ram' } })
  await run(store, 'c1', { Binds: ['ram:/r'] })
  expect((await mountsBelow(directory)).map(({ text }) => text)).toEqual([expect.not.stringContaining('shared:')])
  await store.mounts.leave('c1')
})

it('hands any other file system to the kernel', async () => {
  const store = await open()
  await store.volumes.create({ Name: 'ram', DriverOpts: { type: 'ramfs', o: 'mode=700,nosuid', device: 'ram' } })
  await run(store, 'c1', { Binds: ['ram:/r'] })
  expect((await mountsBelow(directory)).map(({ text }) => text)).toEqual([expect.stringMatching(/nosuid.* ramfs ram/)])
  await store.mounts.leave('c1')
})

it.each(['directory', 'file'])('mounts a %s of a volume, which stays the same when its name is moved', async kind => {
  const store = await open()
  const { Mountpoint } = await store.volumes.create({ Name: 'data' })
  if (kind === 'directory') await mkdir(join(Mountpoint, 'part'))
  const inner = kind === 'directory' ? 'part/file' : 'part'
  await writeFile(join(Mountpoint, inner), 'inside')
  const VolumeOptions = { Subpath: 'part' }
  const [mount] = await run(store, 'c1', {
    Mounts: [{ Type: 'volume', Source: 'data', Target: '/d', VolumeOptions }],
  })
  await rename(join(Mountpoint, 'part'), join(Mountpoint, 'moved'))
  const path = kind === 'directory' ? join(mount?.source ?? '', 'file') : (mount?.source ?? '')
  expect(await readFile(path, 'utf8')).toBe('inside')
  await store.mounts.leave('c1')
  expect(await mountsBelow(directory)).toEqual([])
  expect(await readFile(join(Mountpoint, inner.replace('part', 'moved')), 'utf8')).toBe('inside')
})

it('copies owners, modes and links of an image, and follows its links no further than its root', async () => {
  const { mounts } = await open()
  const root = join(directory, 'root')
  await mkdir(join(root, 'real/inner'), { recursive: true, mode: 0o750 })
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'of the image')
  await writeFile(join(root, 'real/file'), '', { mode: 0o640 })
  await symlink('/etc/passwd', join(root, 'real/link'))
  await symlink('/../../real', join(root, 'data'))
  await symlink('../../../../../../../../etc', join(root, 'escape'))
  chownSync(join(root, 'real'), 33, 44)
  const prepared = await mounts.prepare('c1', { HostConfig: { Binds: ['one:/data', 'two:/escape'] } }, {})
  for (const mount of prepared) await mounts.copyUp(root, mount)
  const at = (path: string): string => join(directory, 'volumes', path)
  expect(await stat(at('one/_data'))).toMatchObject({ uid: 33, gid: 44 })
  expect((await lstat(at('one/_data/file'))).mode & 0o777).toBe(0o640)
  expect(await readlink(at('one/_data/link'))).toBe('/etc/passwd')
  expect(await readFile(at('two/_data/passwd'), 'utf8')).toBe('of the image')
})
