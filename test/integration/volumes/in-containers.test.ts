import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'

let engine: ShoalEngine
const cli = (...argv: readonly string[]) =>
  runCommand(['-H', engine.host, ...argv], { root: umbrella, clock: systemClock, env: { HOME: '/nonexistent' } })
const NONE = ['--network', 'none']
const run = (...argv: readonly string[]) => cli('run', '--rm', ...NONE, ...argv)

beforeAll(async () => {
  engine = await startShoalEngine()
  const archive = join(engine.directory, 'busybox.tar')
  await writeFile(archive, await busyboxArchive({ files: { 'srv/page': 'a page' } }))
  expect(await cli('load', '-i', archive)).toMatchObject({ code: 0 })
})
afterEach(async () => {
  const ids = (await cli('ps', '-aq')).stdout.split('\n').filter(id => id !== '')
  if (ids.length > 0) await cli('rm', '-f', '-v', ...ids)
  await cli('volume', 'prune', '-af')
})
afterAll(() => engine?.stop())

/** Mounts of volumes' devices and parts in the engine's own view. */
async function volumeMounts(): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  const targets = table.split('\n').map(line => line.split(' ')[4] ?? '')
  return targets.filter(path => path.startsWith(join(engine.directory, 'data/volume')))
}

it('mounts a device while containers run that use it, also over a restart of the engine', async () => {
  await cli('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'fast')
  for (const name of ['one', 'two'])
    await cli('run', '-d', '--name', name, ...NONE, '-v', 'fast:/f', 'busybox:test', 'sleep', '99')
  expect(await volumeMounts()).toHaveLength(1)
  await cli('exec', 'one', 'sh', '-c', 'echo shared > /f/file')
  expect((await cli('exec', 'two', 'cat', '/f/file')).stdout).toBe('shared\n')
  await cli('kill', 'one')
  await engine.restart('SIGKILL')
  expect((await cli('exec', 'two', 'cat', '/f/file')).stdout).toBe('shared\n')
  await cli('kill', 'two')
  await cli('wait', 'two')
  await expect.poll(volumeMounts).toEqual([])
  await cli('start', 'one')
  expect(await cli('exec', 'one', 'cat', '/f/file')).toMatchObject({ code: 1 })
  expect(await cli('volume', 'rm', 'fast')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/remove fast: volume is in use - \[[0-9a-f]{64}, [0-9a-f]{64}\]/),
  })
})

it('starts nothing whose device cannot be mounted, and says which', async () => {
  await cli('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', 'device=/no/such', 'broken')
  expect(await run('-v', 'broken:/b', 'busybox:test', 'true')).toMatchObject({
    code: 127,
    stderr: expect.stringMatching(
      /error while mounting volume '.*broken\/_data': failed to mount local volume: mount \/no\/such/,
    ),
  })
  expect(await volumeMounts()).toEqual([])
})

it('mounts a part of a volume, and nothing that a link in it leads to', async () => {
  await run(
    '-v',
    'data:/d',
    'busybox:test',
    'sh',
    '-c',
    'mkdir -p /d/a/b; echo deep > /d/a/b/file; ln -s / /d/out; ln -s a/b /d/in',
  )
  const part = (subpath: string): string => `type=volume,src=data,dst=/p,volume-subpath=${subpath}`
  expect((await run('--mount', part('a/b'), 'busybox:test', 'cat', '/p/file')).stdout).toBe('deep\n')
  expect((await run('--mount', part('in'), 'busybox:test', 'cat', '/p/file')).stdout).toBe('deep\n')
  expect((await run('--mount', part('a/b/file'), 'busybox:test', 'cat', '/p')).stdout).toBe('deep\n')
  // The link's target is the volume's own root: what lies there is the volume, never the host.
  expect((await run('--mount', part('out'), 'busybox:test', 'ls', '/p')).stdout).toBe('a\nin\nout\n')
  expect(await run('--mount', part('nothing'), 'busybox:test', 'true')).toMatchObject({
    code: 127,
    stderr: expect.stringContaining('no such file or directory'),
  })
  expect(await run('--mount', part('../..'), 'busybox:test', 'true')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('subpath must be a relative path within the volume'),
  })
  await expect.poll(volumeMounts).toEqual([])
})

it('takes over the mounts of another container, read-only if asked', async () => {
  await cli('create', '--name', 'origin', ...NONE, '-v', 'data:/d', '-v', '/anonymous', 'busybox:test')
  expect(
    await run('--volumes-from', 'origin', 'busybox:test', 'sh', '-c', 'echo x > /d/x; echo y > /anonymous/y'),
  ).toMatchObject({ code: 0 })
  const read = await run(
    '--volumes-from',
    'origin:ro',
    'busybox:test',
    'sh',
    '-c',
    'cat /d/x /anonymous/y; echo z > /d/z',
  )
  expect(read).toMatchObject({ code: 1, stdout: 'x\ny\n', stderr: expect.stringContaining('Read-only file system') })
  expect(await run('--volumes-from', 'nobody', 'busybox:test', 'true')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('No such container: nobody'),
  })
})

it('fills a fresh volume from the image, unless told not to', async () => {
  expect((await run('-v', 'one:/srv', 'busybox:test', 'cat', '/srv/page')).stdout).toBe('a page')
  expect(await run('-v', 'two:/srv:nocopy', 'busybox:test', 'cat', '/srv/page')).toMatchObject({ code: 1 })
  await cli('create', '--name', 'idle', ...NONE, '-v', 'three:/srv', 'busybox:test')
  expect((await run('--volumes-from', 'idle', 'busybox:test', 'cat', '/srv/page')).stdout).toBe('a page')
  await cli('rm', 'idle')
  await cli('volume', 'rm', 'three')
  const usage = await cli('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}')
  expect(usage.stdout).toContain('Local Volumes 2 0 6B\n')
})

it('fills a volume in memory when it is there, not before', async () => {
  await cli('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'memory')
  await cli('create', '--name', 'filled', ...NONE, '-v', 'memory:/srv', 'busybox:test', 'cat', '/srv/page')
  expect(await volumeMounts()).toEqual([])
  expect((await cli('start', '-a', 'filled')).stdout).toBe('a page')
})
