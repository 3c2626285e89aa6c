import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dock, isRoot } from './support.ts'

describe.skipIf(!isRoot)('an engine whose disk a container has filled', () => {
  let disk: string
  let dock: Dock
  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'shoal-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'shoal-test', disk])
    dock = new Dock({ dataRoot: join(disk, 'data') })
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(async () => {
    await dock[Symbol.asyncDispose]()
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })

  const ran = async (id: string, ...Cmd: string[]): Promise<number | null> => {
    const { Id } = await dock.engine.exec.create(id, { Cmd, AttachStdout: true })
    const started = await dock.engine.exec.start(Id, { detach: false, tty: false })
    for await (const _part of started?.stream ?? []);
    return (await dock.engine.exec.inspect(Id)).ExitCode
  }

  it('serves the others, makes nothing by halves, and has room again once that container is removed', async () => {
    const { containers } = dock.engine
    const beside = await dock.run('exec sleep 1000')
    const filler = await dock.run('exec sleep 1000')
    // Only once it runs: a start that finds no room for its own records fails, and rightly.
    expect(await ran(filler, 'dd', 'if=/dev/zero', 'of=/x', 'bs=64k')).not.toBe(0)
    expect(statfsSync(disk).bavail).toBe(0)
    expect(await ran(beside, 'true')).toBe(0)
    expect(await ran(filler, 'sh', '-c', 'echo more >/more')).not.toBe(0)
    const known = (await containers.list({ all: true })).map(({ Id }) => Id).sort()
    expect(known).toEqual([beside, filler].sort())
    const refused: unknown = await dock.create('true').catch((error: unknown) => error)
    expect(refused).toMatchObject({ status: 500, message: expect.stringContaining('no space left on ') })
    expect((await containers.list({ all: true })).map(({ Id }) => Id).sort()).toEqual(known)

    await containers.stop(filler, { timeoutMs: 0 })
    await containers.remove(filler, { force: true })
    expect((await dock.state(beside)).Status).toBe('running')
    expect(await dock.runToEnd('echo again')).toEqual({ code: 0, output: 'again\n' })
  })
})
