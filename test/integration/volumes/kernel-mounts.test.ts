import { chownSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { unmount } from '../../../src/runtime/linux/mount.ts'
import { createVolumeStore } from '../../../src/runtime/volumes/index.ts'

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

it('mounts a tmpfs with its size while it is used, once for all users', async () => {
  const { mounts, volumes } = await open()
  await volumes.create({ Name: 'fast', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noexec' } })
  for (const id of ['c1', 'c2']) await mounts.prepare(id, { HostConfig: { Binds: ['fast:/f'] } }, {})
  const [mounted, ...others] = await mountsBelow(directory)
  expect(others).toEqual([])
  expect(mounted?.text).toMatch(/noexec.* tmpfs .*size=1024k/)
  await (await open()).mounts.release('c1', { anonymous: true })
  expect(await mountsBelow(directory)).toHaveLength(1)
  const last = await open()
  await last.mounts.release('c2', { anonymous: true })
  expect(await mountsBelow(directory)).toEqual([])
  await last.volumes.remove('fast', {})
})

it('binds a directory of the host, read-only if asked, and never deletes what is in it', async () => {
  const source = join(directory, 'mine')
  await mkdir(source)
  await writeFile(join(source, 'file'), 'precious')
  const { mounts, volumes } = await open()
  await volumes.create({ Name: 'bound', DriverOpts: { type: 'none', o: 'bind,ro', device: source } })
  const [mount] = await mounts.prepare('c1', { HostConfig: { Binds: ['bound:/b'] } }, {})
  expect(await readFile(join(mount?.source ?? '', 'file'), 'utf8')).toBe('precious')
  await expect(writeFile(join(mount?.source ?? '', 'new'), '')).rejects.toMatchObject({ code: 'EROFS' })
  await mounts.release('c1', { anonymous: true })
  await volumes.remove('bound', {})
  expect(await readFile(join(source, 'file'), 'utf8')).toBe('precious')
})

it('says which device of which volume cannot be mounted, and can still remove it', async () => {
  const { mounts, volumes } = await open()
  await volumes.create({ Name: 'broken', DriverOpts: { o: 'bind', device: '/no/such/place' } })
  await expect(mounts.prepare('c1', { HostConfig: { Binds: ['broken:/b'] } }, {})).rejects.toThrow(
    'Cannot mount volume "broken" (none /no/such/place): /no/such/place does not exist',
  )
  await mounts.release('c1', { anonymous: true })
  await volumes.remove('broken', {})
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
