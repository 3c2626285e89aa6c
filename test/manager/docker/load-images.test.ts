import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { loadEverywhere } from '../../../src/manager/docker/images/load-images.ts'
import type { ClusterNodes } from '../../../src/manager/docker/nodes.ts'
import type { ApiRequest } from '../../../src/manager/http/route.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'

const MEBIBYTE = Buffer.alloc(1024 * 1024, 1)

const loads: Engine = stubEngine({
  images: {
    load: async archive => {
      const { length } = await buffer(archive)
      return [`app:${length}`]
    },
  },
})

/** `docker load` of what is written to `raw`, and what its client has been told. */
function load(engines: Readonly<Record<string, Engine>>) {
  const clock = new ManualClock(0)
  const ready = () => Object.entries(engines).map(([name, engine]) => ({ name, engine }))
  const raw = new PassThrough()
  const response = Object.assign(new PassThrough(), { writeHead: () => {} })
  const told: string[] = []
  response.on('data', (data: Buffer) => told.push(data.toString().trim()))
  const request = { raw, signal: new AbortController().signal } as unknown as ApiRequest
  const reply = loadEverywhere(request, { ready, clock, inventory: EMPTY_INVENTORY } as unknown as ClusterNodes)
  if (!('answer' in reply)) throw new Error('no stream')
  const done = reply.answer(response as unknown as ServerResponse)
  return { clock, raw, told, done }
}

it('an archive that comes slowly is loaded, however long it takes', async () => {
  const { clock, raw, told, done } = load({ n1: loads })
  for (let minute = 0; minute < 10; minute++) {
    raw.write('part')
    await clock.advance(60_000)
  }
  raw.end()
  await done
  expect(told).toEqual(['{"stream":"Loaded image: app:40\\n"}'])
})

it('a node that takes nothing is left out after a minute, and the others have the whole archive', async () => {
  const never = stubEngine({ images: { load: () => new Promise(() => {}) } })
  const { clock, raw, told, done } = load({ n1: never, n2: loads })
  for (let piece = 0; piece < 4; piece++) raw.write(MEBIBYTE)
  raw.end()
  await settle()
  await clock.advance(61_000)
  await done
  expect(told[0]).toBe(`{"stream":"Loaded image: app:${4 * MEBIBYTE.length}\\n"}`)
  expect(told[1]).toContain('n1: it took nothing of the archive for 60 s')
})

it('a node that took all and says nothing is given up, and told to stop', async () => {
  const signals: AbortSignal[] = []
  const silent = stubEngine({
    images: {
      load: (archive, signal) => {
        signals.push(signal)
        archive.resume()
        return new Promise(() => {})
      },
    },
  })
  const { clock, raw, told, done } = load({ n1: silent, n2: loads })
  raw.end('all')
  await settle()
  await clock.advance(121_000)
  await done
  expect(told[1]).toContain('n1: it did not finish within 120 s')
  expect(signals[0]?.aborted).toBe(true)
})
