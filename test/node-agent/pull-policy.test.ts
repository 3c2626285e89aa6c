import { expect, it } from 'vitest'
import { notFound, unavailable } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { ContainerSpec } from '../../src/core/model/service.ts'
import type { Engine } from '../../src/docker-api/index.ts'
import { ensureImage } from '../../src/node-agent/tasks/ensure-image.ts'

interface Known {
  readonly has: boolean
  readonly peer?: boolean
  /** When the engine has pulled it. */
  readonly pulledMs?: number
  /** The registry does not answer. */
  readonly isAway?: boolean
}

/** What is done about an image that this engine, or a peer, has or has not. */
async function asked(
  container: Pick<ContainerSpec, 'pullPolicy' | 'pullAfterMs' | 'imageId'>,
  { has, peer = false, pulledMs, isAway = false }: Known,
): Promise<string[]> {
  const done: string[] = []
  const clock = new ManualClock()
  const images = {
    inspect: async (reference: string) => {
      if (!has) throw notFound('NO_SUCH_IMAGE', `No such image: ${reference}`)
      return pulledMs === undefined ? {} : { Metadata: { LastTagTime: new Date(pulledMs).toISOString() } }
    },
    pull: async () => {
      done.push('pull')
      if (isAway) throw unavailable('REGISTRY_AWAY', 'the registry does not answer')
    },
  }
  const peers = {
    fetch: async () => {
      done.push('fetch')
      return peer
    },
  }
  const ports = { engine: { images } as unknown as Engine, peers, clock, log: silentLog }
  await ensureImage({ image: 'web:1', ...container }, ports, new AbortController().signal)
  return done
}

it('pulls what is there already only when told to', async () => {
  expect(await asked({}, { has: true })).toEqual([])
  expect(await asked({ pullPolicy: 'always' }, { has: true })).toEqual(['pull'])
  expect(await asked({ pullPolicy: 'never' }, { has: true })).toEqual([])
})

it('never pulls what was built', async () => {
  expect(await asked({ pullPolicy: 'always', imageId: `sha256:${'a'.repeat(64)}` }, { has: true })).toEqual([])
})

it('takes an image that is never to be pulled from a member that has it, or says what to do', async () => {
  expect(await asked({ pullPolicy: 'never' }, { has: false, peer: true })).toEqual(['fetch'])
  await expect(asked({ pullPolicy: 'never' }, { has: false })).rejects.toThrow(
    'No node that is up has the image web:1, and pull_policy is never: load or build it',
  )
})

it('pulls anew what was pulled too long ago, and runs what is there if that cannot be', async () => {
  const nowMs = new ManualClock().nowMs()
  const daily = { pullAfterMs: 86_400_000 }
  expect(await asked(daily, { has: true, pulledMs: nowMs - 86_399_000 })).toEqual([])
  expect(await asked(daily, { has: true, pulledMs: nowMs - 86_400_000 })).toEqual(['pull'])
  expect(await asked(daily, { has: true })).toEqual(['pull'])
  expect(await asked(daily, { has: true, isAway: true })).toEqual(['pull'])
  expect(await asked({ ...daily, imageId: `sha256:${'a'.repeat(64)}` }, { has: true })).toEqual([])
  expect(await asked(daily, { has: false })).toEqual(['pull'])
})

it('does not wait for a silent member once the registry has answered, and gives it up', async () => {
  const clock = new ManualClock()
  const asking = Promise.withResolvers<AbortSignal>()
  const pulled = Promise.withResolvers<void>()
  const images = {
    inspect: () => Promise.reject(notFound('NO_SUCH_IMAGE', 'No such image: web:1')),
    pull: () => pulled.promise,
  }
  const peers = {
    fetch: (_reference: string, signal: AbortSignal) => {
      asking.resolve(signal)
      return new Promise<boolean>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const ports = { engine: { images } as unknown as Engine, peers, clock, log: silentLog }
  const ensured = ensureImage({ image: 'web:1' }, ports, new AbortController().signal)
  await clock.advance(1_000)
  const given = await asking.promise
  pulled.resolve()
  await ensured
  expect(given.aborted).toBe(true)
})
