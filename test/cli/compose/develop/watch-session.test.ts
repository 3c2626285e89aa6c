import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import type { RuleChanges } from '../../../../src/cli/commands/compose/develop/file-watch.ts'
import { inPortions } from '../../../../src/cli/commands/compose/develop/sync-files.ts'
import { type SessionOptions, WatchSession } from '../../../../src/cli/commands/compose/develop/watch-session.ts'
import type { CommandContext } from '../../../../src/cli/index.ts'
import { failed } from '../../../../src/core/errors.ts'
import { stubEngine } from '../../../support/stub-engine.ts'
import { projectView, taskView } from '../../support/fake-manager.ts'

const RULE: RuleChanges['rule'] = {
  service: 'web',
  action: 'sync',
  path: '/nowhere/src',
  target: '/app',
  initialSync: false,
  rules: { isRelevant: () => true, mayHoldRelevant: () => true },
}

const CHANGE: readonly RuleChanges[] = [{ rule: RULE, changes: { written: ['a'], removed: [] } }]

/** A session for a service of so many containers, of which those that are named cannot be copied into. */
function sessionOf(replicas: number, broken: ReadonlySet<string>) {
  const tried: string[] = []
  const tasks = Array.from({ length: replicas }, (_, index) => taskView('web', index + 1))
  const web = { name: 'web', replicas } as ReturnType<typeof projectView>['spec']['services'][number]
  const engine = stubEngine({
    containers: {
      writeArchive: async (id: string) => {
        tried.push(id)
        if (broken.has(id)) throw failed('DISK_FULL', 'the disk is full')
      },
    },
  })
  const view = projectView({ name: 'shop', services: [web], networks: [], volumes: [] }, tasks)
  const session = new WatchSession({
    api: { engine, project: async () => view } as unknown as SessionOptions['api'],
    context: { signal: new AbortController().signal, stderr: new PassThrough() } as unknown as CommandContext,
    project: 'shop',
    rebuild: async () => {},
    tell: () => {},
  })
  return { session, tried }
}

it('tries a container that failed again with the next change, and not before', async () => {
  const { session, tried } = sessionOf(2, new Set(['c-web-1']))
  await session.begin(['web'], [])
  await session.handle(CHANGE)
  await session.catchUp()
  await session.catchUp()
  expect(tried).toEqual(['c-web-1', 'c-web-2'])
  await session.handle(CHANGE)
  expect(tried).toEqual(['c-web-1', 'c-web-2', 'c-web-1', 'c-web-2'])
})

it('gives containers whose turn did not come, since another one failed, what they miss', async () => {
  const { session, tried } = sessionOf(20, new Set(['c-web-1']))
  await session.begin(['web'], [])
  await session.handle(CHANGE)
  expect(tried).not.toContain('c-web-20')
  await session.catchUp()
  expect(tried.filter(id => id === 'c-web-1')).toHaveLength(1)
  expect(new Set(tried).size).toBe(20)
})

it('removes no more with one command than it may be given', () => {
  const many = Array.from({ length: 1_001 }, (_, index) => `/app/${index}`)
  expect(inPortions(many).map(({ length }) => length)).toEqual([500, 500, 1])
  expect(inPortions(many).flat()).toEqual(many)
  const long = Array.from({ length: 40 }, (_, index) => `/${'x'.repeat(4_000)}${index}`)
  expect(inPortions(long).map(({ length }) => length)).toEqual([16, 16, 8])
  expect(inPortions([])).toEqual([])
})
