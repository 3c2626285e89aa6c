import { Readable } from 'node:stream'
import { systemClock } from '../../../src/core/clock.ts'
import { errorMessage } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createEngine, type EngineOptions } from '../../../src/runtime/index.ts'
import { deathAtAwait } from '../../support/death-at-await.ts'
import type { CrashCall } from './crash-engine.ts'

/** An engine that can be told to die at the n-th await of an operation. */
const death = deathAtAwait()

const options = JSON.parse(process.argv[2] ?? '') as EngineOptions
const engine = await createEngine(options, { clock: systemClock, random: systemRandom, log: silentLog })

const soon = (): AbortSignal => AbortSignal.timeout(60_000)
const tarOf = ({ archive = '' }: CrashCall): Readable => Readable.from([Buffer.from(archive, 'base64')])
const BUILD = { dockerfile: 'Dockerfile', buildArgs: {}, labels: {}, noCache: true, pull: false }

const OPERATIONS: Readonly<Record<CrashCall['operation'], (call: CrashCall, target: string) => Promise<unknown>>> = {
  create: ({ request }, target) => engine.containers.create(request ?? {}, { name: target }),
  start: (_, target) => engine.containers.start(target),
  stop: (_, target) => engine.containers.stop(target, { timeoutMs: 5_000 }),
  remove: (_, target) => engine.containers.remove(target, { force: true, volumes: true }),
  list: () => engine.containers.list({ all: true }),
  inspect: (_, target) => engine.containers.inspect(target),
  pull: (_, target) => engine.images.pull(target, {}, soon()),
  build: call => engine.images.build(tarOf(call), { ...BUILD, tags: [call.target ?? ''] }, () => {}, soon()),
  load: call => engine.images.load(tarOf(call), soon()),
  images: () => engine.images.list({}),
  removeImage: (_, target) => engine.images.remove(target, { force: true }),
  pruneBuilds: () => engine.images.pruneBuildCache({ all: true }),
}

async function outcomeOf(call: CrashCall): Promise<{ readonly value: unknown } | { readonly error: string }> {
  try {
    return { value: await OPERATIONS[call.operation](call, call.target ?? '') }
  } catch (error) {
    return { error: errorMessage(error) }
  }
}

process.on('message', ({ id, call, killAfter }: { id: number; call: CrashCall; killAfter?: number }) => {
  death.begin(killAfter)
  void outcomeOf(call).then(outcome => {
    process.send?.({ id, awaits: death.end(), ...outcome })
  })
})
process.send?.({ ready: true })
