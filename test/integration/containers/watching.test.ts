import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dock, eventually, isAlive, isRoot, soon } from './support.ts'

describe.skipIf(!isRoot)('looking after containers that run', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  it('rotates logs that grow too long, without losing a line', async () => {
    const { containers } = dock.engine
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '20k', 'max-file': '9' } }
    const id = await dock.run('i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo line $i; sleep 0.01; done', {
      host: { LogConfig },
    })
    const { LogPath } = await containers.inspect(id)
    await eventually(
      () => existsSync(`${LogPath}.1`),
      there => there,
    )
    const exec = await dock.engine.exec.create(id, { Cmd: ['touch', '/tmp/stop'] })
    const exited = containers.wait(id, { condition: 'not-running' }, soon())
    await dock.engine.exec.start(exec.Id, { detach: true, tty: false })
    await exited
    const lines = (await dock.output(id)).trim().split('\n')
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
  })

  it('ends a container whose monitor was killed, and the policy starts it again', async () => {
    const id = await dock.run('sleep 1000', { host: { RestartPolicy: { Name: 'always' } } })
    const { Pid } = await dock.state(id)
    process.kill(Number(readFileSync(join(dock.options.execRoot, 'containers', id, 'conmon.pid'), 'utf8')), 'SIGKILL')
    const state = await eventually(
      () => dock.state(id),
      ({ Status, Pid: now }) => Status === 'running' && now !== Pid,
    )
    expect(isAlive(Pid)).toBe(false)
    expect(isAlive(state.Pid)).toBe(true)
  })

  it('with AutoRemove is gone when it cannot be started', async () => {
    const { containers } = dock.engine
    const id = await dock.create('', { Cmd: ['no-such-program'], host: { AutoRemove: true } })
    await expect(containers.start(id)).rejects.toMatchObject({ status: 400 })
    await expect(containers.inspect(id)).rejects.toMatchObject({ status: 404 })
  })
})
