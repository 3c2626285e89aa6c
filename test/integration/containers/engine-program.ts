import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { errorMessage } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createEngine, type EngineOptions } from '../../../src/runtime/index.ts'

/** Serves an engine to the process that started this one, until it is killed. */

const options = JSON.parse(process.argv[2] ?? '') as EngineOptions
const engine = await createEngine(options, { clock: systemClock, random: systemRandom, log: silentLog })
// For the runtime that kills its engine.
writeFileSync(join(options.execRoot, 'engine.pid'), String(process.pid))

process.on('message', ({ id, operation, args }: { id: number; operation: string; args: unknown[] }) => {
  const target = operation
    .split('.')
    .reduce<unknown>((object, name) => (object as Record<string, unknown>)[name], engine)
  Promise.resolve((target as (...args: unknown[]) => unknown)(...args)).then(
    value => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, error: errorMessage(error) }),
  )
})
