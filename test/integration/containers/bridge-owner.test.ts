import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Dock, EngineProcess, isRoot } from './support.ts'

describe.skipIf(!isRoot)('the bridge of an engine', () => {
  let bridge: string
  let first: Dock
  let second: Dock
  const addresses = (): string => execFileSync('ip', ['-o', '-4', 'addr', 'show', bridge], { encoding: 'utf8' })

  beforeEach(() => {
    first = new Dock()
    bridge = `sh-own-${first.directory.slice(-6).toLowerCase()}`
    second = new Dock()
    Object.assign(first.options, { bridge, bip: '10.231.7.1/24' })
    Object.assign(second.options, { bridge, bip: '10.232.7.1/24' })
  })
  afterEach(async () => {
    await second[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
  })

  it('is not shared with another engine while that runs, and succeeded to when it has ended', async () => {
    const running = new EngineProcess(first.options)
    try {
      await running.call('info')
      await expect(second.openEngine()).rejects.toMatchObject({
        code: 'BRIDGE_TAKEN',
        status: 409,
        message: expect.stringMatching(
          `The bridge ${bridge} is used by the engine with the data root ${join(first.directory, 'data')} \\(pid \\d+\\): stop it`,
        ),
      })
      expect(addresses()).toContain('10.231.7.1/24')
      expect(addresses()).not.toContain('10.232.7.1/24')
    } finally {
      await running.kill()
    }
    await second.openEngine()
    expect(addresses()).toContain('10.232.7.1/24')
    await second.closeEngine()
  })

  it('is left to the engine whose containers are still on it', async () => {
    await first.addImage()
    await first.openEngine()
    const id = await first.run('sleep 1000', { host: { NetworkMode: 'bridge' } })
    await first.closeEngine()
    await expect(second.openEngine()).rejects.toMatchObject({
      code: 'BRIDGE_TAKEN',
      message: expect.stringContaining(`On the bridge ${bridge} are 1 containers of the engine with the data root`),
    })
    await first.openEngine()
    expect(await first.state(id)).toMatchObject({ Status: 'running' })
    await first.engine.containers.remove(id, { force: true })
    await first.closeEngine()
    await second.openEngine()
    await second.closeEngine()
  })
})
