import { expect, it } from 'vitest'
import { notFound } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { ContainerSpec } from '../../src/core/model/service.ts'
import type { Engine } from '../../src/docker-api/index.ts'
import { ensureImage } from '../../src/node-agent/tasks/ensure-image.ts'

/** What is done about an image that this engine, or a peer, has or has not. */
async function asked(
  container: Pick<ContainerSpec, 'pullPolicy' | 'imageId'>,
  { has, peer = false }: { readonly has: boolean; readonly peer?: boolean },
): Promise<string[]> {
  const done: string[] = []
  const images = {
    inspect: async (reference: string) => {
      if (!has) throw notFound('NO_SUCH_IMAGE', `No such image: ${reference}`)
    },
    pull: async () => void done.push('pull'),
  }
  const peers = {
    fetch: async () => {
      done.push('fetch')
      return peer
    },
  }
  const ports = { engine: { images } as unknown as Engine, peers, clock: new ManualClock(), log: silentLog }
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
