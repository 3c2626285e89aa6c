import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FilesystemChange, WriteArchiveOptions } from '../../../src/docker-api/index.ts'
import { makeTar, readTar, type TarItem, tarNames } from '../../support/tar-entries.ts'
import { Dock, eventually, isRoot, soon } from './support.ts'

describe.skipIf(!isRoot)('files of containers', () => {
  const dock = new Dock()
  beforeAll(async () => {
    await dock.addImage()
    await dock.openEngine()
  })
  afterEach(async () => {
    const { containers, volumes } = dock.engine
    for (const { Id } of await containers.list({ all: true }))
      await containers.remove(Id, { force: true, volumes: true })
    for (const { Name } of await volumes.list({})) await volumes.remove(Name, {})
    // Copying leaves no mount behind.
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(`${dock.directory}/data/roots`)
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const read = async (id: string, path: string) => readTar((await dock.engine.containers.readArchive(id, path)).archive)
  const names = async (id: string, path: string) =>
    tarNames((await dock.engine.containers.readArchive(id, path)).archive)
  const write = (id: string, path: string, archive: Readable, options: WriteArchiveOptions = {}) =>
    dock.engine.containers.writeArchive(id, path, { archive, signal: soon(), ...options })
  /** Runs a script and waits until it has set everything up; it stays. */
  const ready = async (script: string, options = {}): Promise<string> => {
    const id = await dock.run(`${script}\necho ready; exec sleep 1000`, options)
    await dock.printed(id, 'ready')
    return id
  }
  const exec = async (id: string, script: string): Promise<string> => {
    const { Id } = await dock.engine.exec.create(id, {
      Cmd: ['sh', '-c', script],
      AttachStdout: true,
      AttachStderr: true,
    })
    const attached = await dock.engine.exec.start(Id, { detach: false, tty: true })
    const chunks: Buffer[] = []
    if (attached !== undefined) for await (const chunk of attached.stream) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('latin1')
  }

  describe('reading an archive', () => {
    it('packs a file, a directory and a link as they are', async () => {
      const id = await ready('mkdir -p /srv/deep; echo a > /srv/a; ln -s a /srv/link; cd /srv; echo b > deep/b')
      expect([...(await read(id, '/srv/a'))]).toEqual([
        ['a', expect.objectContaining({ type: 'file', content: 'a\n' })],
      ])
      expect(await names(id, '/srv')).toEqual(['srv/', 'srv/a', 'srv/deep/', 'srv/deep/b', 'srv/link'])
      expect(await names(id, '/srv/.')).toEqual(['./', './a', './deep/', './deep/b', './link'])
      expect(await names(id, 'srv/deep/')).toEqual(['deep/', 'deep/b'])
      expect((await read(id, '/srv/link')).get('link')).toMatchObject({ type: 'symlink', linkname: 'a' })
    })

    it('follows links on the way and, behind a slash, at the end, but only inside the container', async () => {
      const id = await ready('mkdir /srv; echo in > /srv/a; ln -s /srv /out; ln -s ../../../../../srv /up')
      expect((await read(id, '/out/a')).get('a')).toMatchObject({ content: 'in\n' })
      expect(await names(id, '/up/')).toEqual(['up/', 'up/a'])
      expect((await read(id, '/../../etc/passwd')).get('passwd')?.content).toContain('app:x:1000')
      expect(await dock.engine.containers.statPath(id, '/up')).toMatchObject({ name: 'up', linkTarget: '/srv' })
    })

    it('says what is not there', async () => {
      const id = await ready('echo a > /file; ln -s loop /loop')
      const { containers } = dock.engine
      for (const path of ['/nope', '/proc/version', '/sys/kernel']) {
        const message = `Could not find the file ${path} in container ${id}`
        await expect(containers.statPath(id, path)).rejects.toMatchObject({ status: 404, message })
        await expect(containers.readArchive(id, path)).rejects.toMatchObject({ status: 404, message })
      }
      await expect(containers.statPath(id, '/file/x')).rejects.toMatchObject({ status: 400 })
      await expect(containers.statPath(id, '/loop/')).rejects.toMatchObject({ status: 400 })
      await expect(containers.statPath('nothing', '/')).rejects.toMatchObject({ status: 404 })
    })

    it('does not wait for pipes, and does not open devices', async () => {
      const id = await ready('mknod /tmp/pipe p; echo x > /tmp/x')
      expect(await names(id, '/tmp')).toEqual(['tmp/', 'tmp/pipe', 'tmp/x'])
      expect((await read(id, '/dev/null')).get('null')).toMatchObject({ type: 'character-device' })
    })

    it('packs the root without what is the kernel’s', async () => {
      const id = await ready('true')
      const all = await names(id, '/')
      expect(all).toContain('/data/seed')
      expect(all.filter(name => /^\/(proc|sys|dev)\/./.test(name))).toEqual([])
    })

    it('shows volumes and temporary file systems of a running container, and volumes of a stopped one', async () => {
      const host = { Binds: ['shared:/vol'], Tmpfs: { '/fast': '' } }
      const id = await ready('echo kept > /vol/a; echo gone > /fast/b', { host })
      expect(await names(id, '/vol')).toEqual(['vol/', 'vol/a'])
      expect((await read(id, '/fast/b')).get('b')).toMatchObject({ content: 'gone\n' })
      await dock.engine.containers.stop(id, { timeoutMs: 0 })
      expect((await read(id, '/vol/a')).get('a')).toMatchObject({ content: 'kept\n' })
      await expect(dock.engine.containers.statPath(id, '/fast/b')).rejects.toMatchObject({ status: 404 })
    })

    it('goes on while the container ends, is removed or was never read to the end', async () => {
      const id = await ready('dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null')
      const { archive } = await dock.engine.containers.readArchive(id, '/big')
      const abandoned = await dock.engine.containers.readArchive(id, '/big')
      await dock.engine.containers.stop(id, { timeoutMs: 0 })
      expect((await readTar(archive)).get('big')?.content).toHaveLength(8 << 20)
      abandoned.archive.destroy()
    })
  })

  describe('writing an archive', () => {
    it('puts files into running, created and stopped containers', async () => {
      const id = await dock.create('cat /tmp/a /tmp/d/b; ls -ln /tmp/a')
      const archive = () =>
        makeTar([
          ['a', { mode: 0o640, uid: 7, gid: 8 }],
          ['d/', { type: 'directory' }],
          ['d/b', 'two\n'],
        ])
      await write(id, '/tmp', archive())
      const exited = dock.engine.containers.wait(id, { condition: 'next-exit' }, soon())
      await dock.engine.containers.start(id)
      await exited
      expect(await dock.output(id)).toMatch(/^two\n-rw-r----- +1 7 +8 +0 .*\/tmp\/a\n$/)
      await write(id, 'tmp/d', makeTar([['c', 'three']]))
      expect((await read(id, '/tmp/d/c')).get('c')).toMatchObject({ content: 'three' })
      const running = await ready('true')
      await write(running, '/tmp', archive())
      expect(await exec(running, 'cat /tmp/d/b')).toContain('two')
    })

    it('reaches volumes and temporary file systems', async () => {
      const host = { Binds: ['shared:/vol'], Tmpfs: { '/fast': '' } }
      const id = await ready('true', { host })
      await write(id, '/vol', makeTar([['a', 'in the volume']]))
      await write(id, '/fast', makeTar([['b', 'in memory']]))
      expect(await exec(id, 'cat /vol/a /fast/b')).toBe('in the volumein memory')
      const { Mountpoint } = await dock.engine.volumes.inspect('shared')
      expect(readFileSync(join(Mountpoint, 'a'), 'utf8')).toBe('in the volume')
      const created = await dock.create('true', { host })
      await write(created, '/vol', makeTar([['c', 'before the first start']]))
      expect(readdirSync(Mountpoint).sort()).toEqual(['a', 'c'])
    })

    it('refuses read-only roots and volumes, running or not', async () => {
      const host = { ReadonlyRootfs: true, Binds: ['shared:/data', 'shared:/tmp:ro'] }
      const running = await ready('true', { host })
      for (const id of [running, await dock.create('true', { host })]) {
        await expect(write(id, '/', makeTar([['a', 'x']]))).rejects.toMatchObject({
          status: 403,
          message: 'container rootfs is marked read-only',
        })
        await expect(write(id, '/tmp', makeTar([['a', 'x']]))).rejects.toMatchObject({
          status: 403,
          message: 'mounted volume is marked read-only',
        })
        await write(id, '/data', makeTar([['a', 'x']]))
      }
    })

    it('refuses targets that are no directories', async () => {
      const id = await ready('echo a > /file')
      await expect(write(id, '/nope', makeTar([['a', 'x']]))).rejects.toMatchObject({ status: 404 })
      await expect(write(id, '/file', makeTar([['a', 'x']]))).rejects.toMatchObject({
        status: 400,
        message: 'extraction point is not a directory',
      })
      await expect(write(id, '/proc/self', makeTar([['a', 'x']]))).rejects.toMatchObject({ status: 404 })
    })

    it('replaces directories by files and the other way round only if it may', async () => {
      const id = await ready('mkdir -p /srv/d/e; echo f > /srv/f')
      const swap = () =>
        makeTar([
          ['f/', { type: 'directory' }],
          ['d', 'now a file'],
        ])
      await expect(write(id, '/srv', swap(), { noOverwriteDirNonDir: true })).rejects.toMatchObject({
        status: 400,
        message: 'cannot overwrite non-directory "/srv/f" with directory "/srv"',
      })
      await write(id, '/srv', swap())
      expect(await names(id, '/srv')).toEqual(['srv/', 'srv/d', 'srv/f/'])
    })

    it('gives files to the container’s user if asked to', async () => {
      const id = await ready('true', { User: 'app' })
      await write(id, '/tmp', makeTar([['mine', { uid: 7, gid: 7 }]]), { copyUIDGID: true })
      await write(id, '/tmp', makeTar([['kept', { uid: 7, gid: 7 }]]))
      const found = await read(id, '/tmp')
      expect(found.get('tmp/mine')).toMatchObject({ uid: 1000, gid: 1001 })
      expect(found.get('tmp/kept')).toMatchObject({ uid: 7, gid: 7 })
    })

    it('refuses what is no whole archive', async () => {
      const id = await ready('true')
      for (const bytes of [Buffer.from('garbage'), Buffer.alloc(700, 1)]) {
        await expect(write(id, '/tmp', Readable.from([bytes]))).rejects.toMatchObject({ status: 400 })
      }
      await write(id, '/tmp', Readable.from([]))
    })
  })

  describe('hostile containers and archives', () => {
    const victim = (): string => {
      const directory = join(dock.directory, 'victim')
      mkdirSync(directory, { recursive: true })
      writeFileSync(join(directory, 'secret'), 'untouched')
      return directory
    }
    const untouched = (directory: string): void => {
      expect(readdirSync(directory)).toEqual(['secret'])
      expect(readFileSync(join(directory, 'secret'), 'utf8')).toBe('untouched')
    }

    it('cannot lead an archive out of the container', async () => {
      const directory = victim()
      const id = await ready(`ln -s ${directory} /tmp/out; ln -s / /tmp/root`)
      const up = '../'.repeat(20)
      const entries: TarItem[][] = [
        [[`${up}${directory}/bad`, 'bad']],
        [
          ['l', { type: 'symlink', linkname: directory }],
          ['l/bad', 'bad'],
        ],
        [
          ['l', { type: 'symlink', linkname: `${up}${directory}` }],
          ['l/bad', 'bad'],
        ],
        [['out/bad', 'bad']],
        [[`root/${directory}/bad`, 'bad']],
        [
          ['h', { type: 'link', linkname: `${up}${directory}/secret` }],
          ['h', 'bad'],
        ],
        [
          ['h', { type: 'link', linkname: 'out/secret' }],
          ['h', 'bad'],
        ],
      ]
      for (const list of entries) {
        await write(id, '/tmp', makeTar(list)).catch((error: unknown) => expect(error).toMatchObject({ status: 400 }))
      }
      untouched(directory)
      await expect(dock.engine.containers.readArchive(id, '/tmp/out/secret')).rejects.toMatchObject({ status: 404 })
    })

    it('wins no race by swapping directories and links while it is copied from and to', async () => {
      const directory = victim()
      const id = await dock.run(
        `mkdir -p /tmp/a /tmp/b; echo inside > /tmp/a/secret; ln -s ${directory} /tmp/link; echo ready
         while :; do mv /tmp/a /tmp/c; mv -T /tmp/link /tmp/a; mv -T /tmp/a /tmp/link; mv /tmp/c /tmp/a; done`,
      )
      await dock.printed(id, 'ready')
      const seen = new Set<string>()
      for (let round = 0; round < 150; round++) {
        const copies = [
          read(id, '/tmp/a/secret').then(files => seen.add(files.get('secret')?.content ?? '')),
          read(id, '/tmp').then(files => {
            for (const [name, { type, content }] of files)
              if (type === 'file' && name.endsWith('secret')) seen.add(content)
          }),
          write(id, '/tmp/a', makeTar([['bad', 'bad']])),
          write(id, '/tmp', makeTar([['a/bad', 'bad']])),
        ]
        // Whatever is not there at the moment is refused; that it stays inside is what counts.
        await Promise.allSettled(copies)
      }
      expect([...seen]).toEqual(['inside\n'])
      untouched(directory)
    })

    it('does not follow a link that a shared volume puts in the place of another volume', async () => {
      const directory = victim()
      await dock.engine.volumes.create({ Name: 'outer' })
      const { Mountpoint } = await dock.engine.volumes.inspect('outer')
      symlinkSync(directory, join(Mountpoint, 'inner'))
      const id = await dock.create('true', { host: { Binds: ['outer:/outer', 'inner:/outer/inner'] } })
      await write(id, '/outer/inner', makeTar([['bad', 'bad']])).catch(() => {})
      untouched(directory)
    })

    it('cannot hide a file from a copy by a name that is no text', async () => {
      const id = await ready(`cd /tmp; touch "$(printf 'a\\377b')"`)
      const { archive } = await dock.engine.containers.readArchive(id, '/tmp')
      await expect(readTar(archive)).rejects.toMatchObject({ code: 'NAME_NOT_UTF8' })
      await expect(dock.engine.containers.changes(id)).rejects.toMatchObject({ code: 'NAME_NOT_UTF8' })
    })

    it('keeps nobody from starting, stopping and removing a container by a copy that stalls', async () => {
      const { containers } = dock.engine
      const id = await dock.create('dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; exec sleep 1000')
      const leaving = new AbortController()
      const stalled = new PassThrough()
      const writing = containers.writeArchive(id, '/tmp', { archive: stalled, signal: leaving.signal })
      const { archive } = await containers.readArchive(id, '/')
      await containers.start(id)
      await containers.stop(id, { timeoutMs: 0 })
      await containers.start(id)
      await containers.remove(id, { force: true })
      const closed = new Promise(resolve => archive.once('close', resolve))
      archive.destroy()
      leaving.abort()
      await expect(writing).rejects.toThrow('given up')
      await closed
    })

    it('costs no descriptor, however a copy ends', async () => {
      const host = { Binds: ['shared:/vol'] }
      const created = await dock.create('true', { host })
      const running = await ready('mkdir -p /tmp/a/b/c; echo x > /tmp/a/b/c/x', { host })
      const round = async (): Promise<void> => {
        for (const id of [created, running]) {
          await names(id, '/tmp')
          await dock.engine.containers.statPath(id, '/nope').catch(() => {})
          await write(id, '/vol', makeTar([['a', 'x']]))
          await write(id, '/vol', makeTar([['../a', 'x']])).catch(() => {})
          await dock.engine.containers.changes(id)
          const { archive } = await dock.engine.containers.readArchive(id, '/')
          archive.once('readable', () => archive.destroy())
          await new Promise(resolve => archive.once('close', resolve))
          ;(await dock.engine.containers.export(id)).destroy()
        }
      }
      await round()
      const open = (): number => readdirSync('/proc/self/fd').length
      const before = open()
      for (let count = 0; count < 10; count++) await round()
      // What was destroyed is let go of a moment later.
      await eventually(open, count => count <= before + 3)
    })

    it('can nest directories deeper than paths go without harm to others', async () => {
      const id = await ready(
        'cd /tmp; i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done; echo x > /tmp/other',
      )
      const { archive } = await dock.engine.containers.readArchive(id, '/tmp')
      await expect(readTar(archive)).rejects.toThrow(/directories in each other|ENAMETOOLONG/)
      expect((await read(id, '/tmp/other')).get('other')).toMatchObject({ content: 'x\n' })
    })
  })

  describe('changes and exports', () => {
    const changed = async (id: string): Promise<string[]> =>
      (await dock.engine.containers.changes(id)).map(({ Path, Kind }: FilesystemChange) => `${'CAD'[Kind]} ${Path}`)

    it('tells what was added, modified and deleted, and nothing that mounts need', async () => {
      const id = await ready('true')
      expect(await changed(id)).toEqual([])
      const script = 'echo more >> /data/seed; rm /bin/true; mkdir -p /srv/x; echo y > /srv/x/y; rm -r /tmp; mkdir /tmp'
      await exec(id, script)
      const expected = ['C /bin', 'D /bin/true', 'C /data', 'C /data/seed', 'A /srv', 'A /srv/x', 'A /srv/x/y']
      expect(await changed(id)).toEqual(expected)
      await exec(id, 'rm -r /data; echo file > /data; chmod 700 /etc')
      const later = ['C /bin', 'D /bin/true', 'C /data', 'D /data/seed', 'C /etc', 'A /srv', 'A /srv/x', 'A /srv/x/y']
      expect(await changed(id)).toEqual(later)
      await dock.engine.containers.stop(id, { timeoutMs: 0 })
      expect(await changed(id)).toEqual(later)
      expect(await changed(await dock.create('true'))).toEqual([])
      await expect(dock.engine.containers.changes('nothing')).rejects.toMatchObject({ status: 404 })
    })

    it('sees a directory that was deleted and made anew', async () => {
      const id = await ready('rm -r /data; mkdir /data; echo new > /data/other')
      expect(await changed(id)).toEqual(['C /data', 'D /data/seed', 'A /data/other'])
    })

    it('exports all files but those of volumes', async () => {
      const id = await ready('echo in > /vol/a; rm /bin/true', { host: { Binds: ['shared:/vol'] } })
      const files = await readTar(await dock.engine.containers.export(id))
      expect(files.get('data/seed')).toMatchObject({ content: 'seed\n' })
      expect([...files.keys()].filter(name => name.startsWith('vol'))).toEqual(['vol/'])
      expect(files.has('bin/true')).toBe(false)
      expect([...files.keys()].filter(name => name.startsWith('proc/'))).toEqual(['proc/'])
      expect(await tarNames(await dock.engine.containers.export(await dock.create('true')))).toContain('bin/busybox')
    })
  })
})
