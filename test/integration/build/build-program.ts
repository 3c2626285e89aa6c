import { createReadStream } from 'node:fs'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import type { BuildOptions } from '../../../src/docker-api/index.ts'
import { createEngine, type EngineOptions } from '../../../src/runtime/index.ts'

/** Opens an engine and builds once, printing what the build says; to be killed meanwhile. */

const [engineOptions = '', buildOptions = '', context = ''] = process.argv.slice(2)
const engine = await createEngine(JSON.parse(engineOptions) as EngineOptions, {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
})
const show = ({ stream = '' }): void => void process.stdout.write(stream)
await engine.images.build(
  createReadStream(context),
  JSON.parse(buildOptions) as BuildOptions,
  show,
  AbortSignal.timeout(60_000),
)
