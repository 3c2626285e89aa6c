import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entry, isRoot, leftovers, NOTHING, soon, tar, until, Workshop } from './support.ts'

const noise = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919 + ((index * index) >> 7)) % 251))
const large = tar(entry('large', { content: noise.toString('latin1') }))
const small = tar(entry('small', { content: 'x' }))

/** A program that pulls an image into a store and says when it is done. */
const PULLER = `
import { createImageStore } from '${join(process.cwd(), 'src/runtime/images/index.ts')}'
import { systemClock } from '${join(process.cwd(), 'src/core/clock.ts')}'
import { systemRandom } from '${join(process.cwd(), 'src/core/random.ts')}'
import { silentLog } from '${join(process.cwd(), 'src/core/log.ts')}'
const [dataRoot, name] = process.argv.slice(2)
const store = await createImageStore({ dataRoot, insecureRegistries: [], registryMirrors: [] }, { clock: systemClock, random: systemRandom, log: silentLog })
await store.images.pull(name, {}, AbortSignal.timeout(60000))
`

describe.skipIf(!isRoot)('kill -9 during a pull', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  it('leaves no half image, and the next pull goes on where it stopped', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [small, large])
    const path = registry.layerPath('app', large)
    const body = registry.answers.get(path)?.body ?? Buffer.alloc(0)
    registry.answers.set(path, { body, slowBytes: 2048 })
    await killWhile(name, () => partialBytes() > 20_000)

    const store = await workshop.store('a')
    expect(await store.images.list({})).toEqual([])
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
    registry.answers.set(path, { body })
    const id = await store.images.pull(name, {}, soon())
    const last = registry.requests.findLast(request => request.path === path)
    expect(Number(/^bytes=(\d+)-$/.exec(last?.range ?? '')?.[1])).toBeGreaterThan(20_000)
    expect(readdirSync(await store.roots.mount('c', id)).sort()).toEqual(['.dockerenv', 'large', 'small'])
  })

  it('clears away what was unpacked but never became an image', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [small, large])
    const path = registry.layerPath('app', large)
    registry.answers.set(path, { body: registry.answers.get(path)?.body ?? Buffer.alloc(0), slowBytes: 512 })
    await killWhile(name, () => readdirSync(workshop.path('a/images/scratch')).length > 0)
    expect(leftovers(workshop, 'a')['scratch']).toHaveLength(1)
    await workshop.store('a')
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  function partialBytes(): number {
    const directory = workshop.path('a/images/partial')
    return Math.max(0, ...readdirSync(directory).map(name => statSync(join(directory, name)).size))
  }

  async function killWhile(name: string, holds: () => boolean): Promise<void> {
    const script = workshop.path('pull.ts')
    writeFileSync(script, PULLER)
    const child = spawn(process.execPath, [script, workshop.path('a'), name], { stdio: 'ignore' })
    const gone = once(child, 'exit')
    try {
      await until(() => {
        if (child.exitCode !== null) throw new Error('the pull ended before it could be killed')
        try {
          return holds()
        } catch {
          return false
        }
      })
    } finally {
      child.kill('SIGKILL')
      await gone
    }
  }
})
