import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Dock, EngineProcess, isAlive, isRoot } from './support.ts'

describe.skipIf(!isRoot)('the data root', () => {
  let dock: Dock
  beforeEach(async () => {
    dock = new Dock()
  })
  afterEach(() => dock[Symbol.asyncDispose]())

  it('belongs to one engine at a time, also when the first was killed', async () => {
    const first = new EngineProcess(dock.options)
    await first.call('info')
    const refused = await dock.openEngine().catch((error: Error) => error.message)
    expect(refused).toContain('is used by another engine (pid ')
    await first.kill()
    await dock.openEngine()
  })

  it('of its own does not let a second engine onto the exec root of the first', async () => {
    await dock.addImage()
    const first = await dock.openEngine()
    const id = await dock.run('sleep 1000')
    await expect(dock.openEngine({ dataRoot: join(dock.directory, 'other') })).rejects.toMatchObject({
      code: 'EXEC_ROOT_LOCKED',
      message: expect.stringContaining('give this one another --exec-root'),
    })
    expect((await first.containers.inspect(id)).State).toMatchObject({ Status: 'running' })
  })

  it('that is another one does not take containers for orphans that the engine of the first left running', async () => {
    await dock.addImage()
    await dock.openEngine()
    const id = await dock.run('sleep 1000')
    const { Pid } = await dock.state(id)
    await dock.closeEngine()
    await expect(dock.openEngine({ dataRoot: join(dock.directory, 'other') })).rejects.toMatchObject({
      code: 'EXEC_ROOT_TAKEN',
      message: expect.stringContaining(`run 1 containers of the engine with the data root ${dock.options.dataRoot}`),
    })
    expect(isAlive(Pid)).toBe(true)
    await dock.openEngine()
    expect(await dock.state(id)).toMatchObject({ Status: 'running', Pid })
    await dock.engine.containers.remove(id, { force: true })
    await dock.closeEngine()
    await dock.openEngine({ dataRoot: join(dock.directory, 'other') })
    await dock.closeEngine()
  })

  it('of another format is refused and left as it is', async () => {
    mkdirSync(dock.options.dataRoot, { recursive: true })
    writeFileSync(join(dock.options.dataRoot, 'format'), '99\n')
    await expect(dock.openEngine()).rejects.toMatchObject({
      code: 'DATA_ROOT_FORMAT',
      message: expect.stringContaining('use the version that wrote it, or another --data-root'),
    })
    expect(readdirSync(dock.options.dataRoot)).toEqual(['format'])
    rmSync(join(dock.options.dataRoot, 'format'))
  })

  it('keeps its id, and sets aside a record that cannot be read', async () => {
    await dock.addImage()
    const { ID } = await (await dock.openEngine()).info()
    const broken = await dock.create('true')
    const good = await dock.create('true')
    await dock.closeEngine()
    const path = join(dock.options.dataRoot, 'containers', broken, 'record.json')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100))
    const engine = await dock.openEngine()
    expect((await engine.info()).ID).toBe(ID)
    expect((await engine.containers.list({ all: true })).map(({ Id }) => Id)).toEqual([good])
    expect(statSync(`${path}.bad`).size).toBe(100)
  })

  it('that is full: one clear error, and nothing half made', async () => {
    mkdirSync(dock.options.dataRoot, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dock.options.dataRoot])
    dock.defer(() => void execFileSync('umount', ['-l', dock.options.dataRoot]))
    await dock.addImage()
    const engine = await dock.openEngine()
    const kept = await dock.create('true', { name: 'kept' })
    const filler = join(dock.options.dataRoot, 'filler')
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null || true`])
    await expect(dock.create('true', { name: 'no-room' })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('free some space'),
    })
    expect((await engine.containers.list({ all: true })).map(({ Id }) => Id)).toEqual([kept])
    expect(readdirSync(join(dock.options.dataRoot, 'containers'))).toEqual([kept])
    rmSync(filler)
    expect((await dock.runToEnd('echo works', { name: 'no-room' })).output).toBe('works\n')
    for (const { Id } of await engine.containers.list({ all: true }))
      await engine.containers.remove(Id, { force: true })
    await dock.closeEngine()
  })
})
