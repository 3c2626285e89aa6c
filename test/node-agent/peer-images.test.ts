import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { notFound } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { MemberRecord } from '../../src/core/model/node.ts'
import type { Engine } from '../../src/docker-api/index.ts'
import { createPeerImages } from '../../src/node-agent/index.ts'

const { signal } = new AbortController()

/** What the engines of members do when they are asked for an image. */
const SILENT = () => new Promise<never>(() => {})
const WITHOUT = () => Promise.reject(notFound('NO_IMAGE', 'No such image: web:1'))
const WITH = () => Promise.resolve()

function asking(members: Readonly<Record<string, () => Promise<unknown>>>) {
  const clock = new ManualClock()
  const loaded: string[] = []
  const load = async (archive: Readable): Promise<void> => void loaded.push(String(await archive.toArray()))
  const peers = createPeerImages({
    engine: { images: { load } } as unknown as Engine,
    members: () => Object.keys(members).map(name => ({ name }) as MemberRecord),
    connect: ({ name }) =>
      ({ images: { inspect: members[name], save: async () => Readable.from([`from ${name}`]) } }) as unknown as Engine,
    clock,
    log: silentLog,
  })
  return { clock, loaded, fetched: peers.fetch('web:1', signal) }
}

it('takes an image from whoever has it, without waiting for a member that is silent', async () => {
  const { loaded, fetched } = asking({ n1: SILENT, n2: WITHOUT, n3: WITH })
  expect(await fetched).toBe(true)
  expect(loaded).toEqual(['from n3'])
})

it('waits for a slow member where no other has the image, and then no longer', async () => {
  const { clock, loaded, fetched } = asking({ n1: SILENT, n2: WITHOUT })
  await clock.advance(15_000)
  expect(await fetched).toBe(false)
  expect(loaded).toEqual([])
})

it('has nothing where nobody has', async () => {
  expect(await asking({ n1: WITHOUT }).fetched).toBe(false)
  expect(await asking({}).fetched).toBe(false)
})
