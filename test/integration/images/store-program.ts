import { createHook } from 'node:async_hooks'
import { createReadStream } from 'node:fs'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createImageStore } from '../../../src/runtime/images/index.ts'

/**
 * Does one thing with an image store, and dies by SIGKILL at the n-th time that anything asynchronous comes back: when one
 * step is done and the next not begun. Without a number it prints how many times there are.
 */
const [dataRoot = '', operation = '', subject = '', killAt = 'never'] = process.argv.slice(2)
const options = { dataRoot, insecureRegistries: [], registryMirrors: [] }
const store = await createImageStore(options, { clock: systemClock, random: systemRandom, log: silentLog })
const soon = AbortSignal.timeout(60_000)

const OPERATIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  pull: () => store.images.pull(subject, {}, soon),
  load: () => store.images.load(createReadStream(subject), soon),
  import: () => store.images.import(createReadStream(subject), { name: 'imported:1' }, soon),
  commit: async () => {
    const layer = await store.addLayer({ directory: subject, kind: 'upper', packLater: true })
    await store.createImage({ layers: [layer], config: {}, tags: ['committed:1'] })
  },
  push: () => store.images.push(subject, {}, soon),
  remove: () => store.images.remove(subject, { force: true }),
}

let returns = 0
const hook = createHook({
  before: () => {
    if (++returns >= Number(killAt)) process.kill(process.pid, 'SIGKILL')
  },
})
hook.enable()
await OPERATIONS[operation]?.()
hook.disable()
process.stdout.write(String(returns))
