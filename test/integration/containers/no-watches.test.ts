import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Dock, eventually, isRoot, soon } from './support.ts'

/** The host has few inotify watches for all that root runs, and root of a container counts as root. */
describe.skipIf(!isRoot)('an engine whose containers have taken every watch of the host', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
    await dock[Symbol.asyncDispose]()
  })

  it('opens, sees ends, logs and probes all the same, and takes watches again once there are some', async () => {
    const real = fs.watch
    let isTaken = true
    const watched: string[] = []
    vi.spyOn(fs, 'watch').mockImplementation((...args: Parameters<typeof real>) => {
      if (isTaken) throw Object.assign(new Error('ENOSPC: no file watchers left'), { code: 'ENOSPC' })
      watched.push(String(args[0]))
      return real(...args)
    })
    syncBuiltinESMExports()
    const { containers } = await dock.openEngine()
    expect(await dock.runToEnd('echo ran; exit 3')).toEqual({ code: 3, output: 'ran\n' })
    const Healthcheck = { Test: ['CMD-SHELL', 'true'], Interval: 1e8 }
    const id = await dock.run('echo one; exec sleep 1000', { Healthcheck })
    await dock.printed(id, 'one')
    await eventually(
      () => dock.state(id),
      ({ Health }) => Health?.Status === 'healthy',
    )
    const following = dock.output(id, { follow: true })
    const ended = containers.wait(id, { condition: 'not-running' }, soon())
    await containers.kill(id, 'KILL')
    expect(await ended).toEqual({ StatusCode: 137 })
    expect(await following).toBe('one\n')

    isTaken = false
    await eventually(
      () => watched,
      paths => paths.includes(join(dock.options.execRoot, 'exits')),
    )
    expect(await dock.runToEnd('exit 4')).toMatchObject({ code: 4 })
  })
})
