import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTar } from '../../support/tar-entries.ts'
import { Dock, isRoot, type RunOptions, soon } from './support.ts'

const KERNEL = ['/proc', '/proc/self/attr', '/proc/sys/kernel', '/sys', '/dev', '/dev/shm/../null']

describe.skipIf(!isRoot)('mounts that mean harm', () => {
  let dock: Dock
  /** A folder of the host that nobody may read or write. */
  const target = mkdtempSync(join(tmpdir(), 'shoal-target-'))
  beforeAll(async () => {
    writeFileSync(join(target, 'secret'), 'untouched')
    dock = new Dock()
    dock.defer(() => rmSync(target, { recursive: true, force: true }))
    await dock.addImage()
    await dock.addImage({
      tag: 'links:latest',
      change: root => {
        for (const name of ['proc', 'sys', 'dev']) symlinkSync(`/${name}`, join(root, `to-${name}`))
        symlinkSync('../../to-proc', join(root, 'data/deeper'))
      },
    })
    for (const [index, place] of KERNEL.entries())
      await dock.addImage({ tag: `volume-${index}:latest`, config: { Volumes: { [place]: {} } } })
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const expectUntouched = (): void => {
    expect(readdirSync(target)).toEqual(['secret'])
    expect(readFileSync(join(target, 'secret'), 'utf8')).toBe('untouched')
  }
  /** Where things are mounted among the kernel's own files, as the container sees it; nothing if it cannot be made or started. */
  const kernelMounts = (options: RunOptions): Promise<readonly string[] | undefined> =>
    dock.runToEnd('cat /proc/self/mountinfo', options).then(
      ({ output }) =>
        output
          .split('\n')
          .map(line => line.split(' ')[4] ?? '')
          .filter(place => /^\/(proc|sys|dev)(\/|$)/.test(place))
          .toSorted(),
      () => undefined,
    )

  it.each(KERNEL.map((place, index) => [place, index] as const))(
    'of an image do not cover %s',
    async (_place, index) => {
      await expect(dock.runToEnd('true', { Image: `volume-${index}` })).rejects.toThrow(
        /cannot be mounted over|inside \/proc/,
      )
    },
  )

  it.each(['/to-proc', '/to-proc/self/attr', '/to-proc/sys/kernel', '/to-sys/fs', '/to-dev/pts', '/data/deeper/self'])(
    'at %s, which leads to the kernel’s own files, cover none of them',
    async place => {
      const own = join(dock.directory, 'own')
      mkdirSync(own, { recursive: true })
      const usual = await kernelMounts({ Image: 'links' })
      expect(usual).toContain('/proc')
      const ways = [
        { Binds: [`${own}:${place}`] },
        { Tmpfs: { [place]: '' } },
        { Mounts: [{ Type: 'volume', Target: place }] },
      ] as const
      for (const host of ways) {
        const seen = await kernelMounts({ Image: 'links', host })
        expect(seen ?? usual).toEqual(usual)
      }
    },
  )

  it.each([false, true])('find null and the terminal where they belong (terminal: %s)', async Tty => {
    const script = `for f in /dev/null /proc/kcore /proc/keys /proc/timer_list; do
        [ -e $f ] && busybox stat -c '%n %t:%T' $f; done; busybox stat -c '%n %t' /dev/console; true`
    const { output } = await dock.runToEnd(script, { Tty })
    const devices = output.split(/\r?\n/).filter(line => line.startsWith('/'))
    const console = devices.filter(line => line.startsWith('/dev/console'))
    expect(console).toEqual(Tty ? ['/dev/console 88'] : [])
    expect(devices).toContain('/dev/null 1:3')
    for (const line of devices.slice(0, devices.length - console.length)) expect(line).toMatch(/ 1:3$/)
  })

  it('are not swapped for links while files are copied through them', async () => {
    const { containers, volumes } = dock.engine
    await volumes.create({ Name: 'outer' })
    const { Mountpoint } = await volumes.inspect('outer')
    mkdirSync(join(Mountpoint, 'inner'))
    const swap = `cd /vol; while :; do busybox mv inner held; busybox ln -s ${target} inner; busybox rm inner; busybox mv held inner; done`
    const swapper = await dock.run(swap, { host: { Binds: ['outer:/vol'] } })
    const Binds = ['outer:/outer', 'inner:/outer/inner']
    const stopped = await dock.create('true', { host: { Binds } })
    const seen = new Set<string>()
    for (let round = 0; round < 60; round++) {
      const copies = [
        containers.writeArchive(stopped, '/outer/inner', { archive: makeTar([['bad', 'bad']]), signal: soon() }),
        containers
          .readArchive(stopped, '/outer/inner')
          .then(({ archive }) => buffer(archive))
          .then(bytes => seen.add(bytes.includes('untouched') ? 'secret' : 'own')),
      ]
      // Whatever is not there at the moment is refused; that it stays inside is what counts.
      await Promise.allSettled(copies)
      expectUntouched()
    }
    expect([...seen]).toEqual(['own'])
    await containers.remove(swapper, { force: true })
  })
})
