import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { entry, isRoot, leftovers, soon, tar, Workshop } from './support.ts'

/** How many of the moments of an operation are tried: enough for each kind, few enough for a quick test. */
const POINTS = 10
const CHILD = resolve('test/integration/images/store-program.ts')

const base = tar(entry('base/file', { content: 'base'.repeat(20_000) }))
const upper = tar(entry('upper/file', { content: 'upper'.repeat(20_000) }), entry('base/.wh.gone'))
const FILES = { 'base/file': 'base'.repeat(20_000), 'upper/file': 'upper'.repeat(20_000) }

describe.skipIf(!isRoot)('kill -9 at every step', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it('of a pull leaves the whole image or none', async () => {
    const registry = await workshop.fakeRegistry()
    await workshop.store('before')
    await killAtPoints('pull', registry.publish('app', [base, upper]), checkWhole)
  })

  it('of a load leaves the whole image or none', async () => {
    const registry = await workshop.fakeRegistry()
    const store = await workshop.store('maker')
    const archive = await saved(store, registry.publish('app', [base, upper]))
    await workshop.store('before')
    await killAtPoints('load', archive, checkWhole)
  })

  it('of an import leaves the whole image or none', async () => {
    const archive = workshop.path('root.tar')
    writeFileSync(archive, tar(entry('base/file', { content: FILES['base/file'] })))
    await workshop.store('before')
    await killAtPoints('import', archive, async store => {
      for (const { Id } of await store.images.list({})) await checkFiles(store, Id, ['base/file'])
    })
  })

  it('of a commit leaves the whole image or none', async () => {
    const directory = fileTree()
    await workshop.store('before')
    await killAtPoints('commit', directory, checkSaved)
  })

  it('of a push that packs the layers leaves the whole image', async () => {
    const name = `${await workshop.registry()}/team/app:1`
    const before = await workshop.store('before')
    const layer = await before.addLayer({ directory: fileTree(), kind: 'upper', packLater: true })
    await before.createImage({ layers: [layer], config: {}, tags: [name] })
    // So that the registry has it already, and each push takes the same steps.
    await run('push', name, 'never')
    await killAtPoints('push', name, async store => {
      expect(await store.images.list({})).toHaveLength(1)
      await checkSaved(store)
    })
  })

  it('of a removal leaves the whole image or none', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [base, upper])
    await (await workshop.store('before')).images.pull(name, {}, soon())
    await killAtPoints('remove', name, checkWhole)
  })

  async function killAtPoints(
    operation: string,
    subject: string,
    check: (store: ImageStore) => Promise<void>,
  ): Promise<void> {
    const whole = await run(operation, subject, 'never')
    expect(whole.signal).toBeNull()
    const total = Number(whole.output)
    expect(total).toBeGreaterThan(POINTS)
    for (let point = 0; point < POINTS; point++) {
      const at = 1 + Math.floor(((point + 0.5) * total) / POINTS)
      const { signal } = await run(operation, subject, String(at))
      // The number of steps differs a little from run to run, so the last point may lie behind the end.
      if (point < POINTS - 1) expect(signal).toBe('SIGKILL')
      const store = await workshop.store('now')
      await check(store)
      const { layers, layerRecords, scratch } = leftovers(workshop, 'now')
      expect([scratch, layers?.length]).toEqual([[], layerRecords?.length])
      for (const id of await store.roots.list()) await store.roots.remove(id)
      expect((await run(operation, subject, 'never', { fresh: false })).failed).toBe(false)
    }
  }

  /** Runs the operation on a fresh copy of the store as it was before. */
  async function run(operation: string, subject: string, killAt: string, { fresh = true } = {}) {
    const root = workshop.path('now')
    if (fresh) {
      rmSync(root, { recursive: true, force: true })
      execFileSync('cp', ['-a', workshop.path('before'), root])
    }
    const child = spawn(process.execPath, [CHILD, root, operation, subject, killAt], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const gone = once(child, 'exit')
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    const [code, signal] = (await gone) as [number | null, NodeJS.Signals | null]
    // What was done already may be gone, or have nothing left to do.
    const failed = code !== 0 && signal === null && !errors.includes('No such image')
    return { output, signal, failed }
  }

  async function saved(store: ImageStore, name: string): Promise<string> {
    await store.images.pull(name, {}, soon())
    const path = workshop.path('saved.tar')
    writeFileSync(path, Buffer.concat(await (await store.images.save([name])).toArray()))
    return path
  }

  function fileTree(): string {
    const directory = workshop.path('tree')
    for (const [name, content] of Object.entries(FILES)) {
      mkdirSync(join(directory, dirname(name)), { recursive: true })
      writeFileSync(join(directory, name), content)
    }
    return directory
  }

  /** Every image there is can be used, and be given to another store. */
  async function checkSaved(store: ImageStore): Promise<void> {
    await checkWhole(store)
    for (const { Id } of await store.images.list({})) {
      rmSync(workshop.path('other'), { recursive: true, force: true })
      await (await workshop.store('other')).images.load(await store.images.save([Id]), soon())
    }
  }

  async function checkWhole(store: ImageStore): Promise<void> {
    for (const { Id } of await store.images.list({})) await checkFiles(store, Id, Object.keys(FILES))
  }

  async function checkFiles(store: ImageStore, id: string, names: readonly string[]): Promise<void> {
    const root = await store.roots.mount('check', id)
    expect(readdirSync(root).length).toBeGreaterThan(0)
    for (const name of names) {
      expect(readFileSync(join(root, name), 'utf8')).toBe(FILES[name as keyof typeof FILES])
    }
    await store.images.history(id)
  }
})
