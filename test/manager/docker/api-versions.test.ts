import { expect, it } from 'vitest'
import { createVersionCap } from '../../../src/manager/docker/api-versions.ts'
import { parseContainerPath } from '../../../src/manager/docker/containers/container-path.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'

it.each([
  ['/v1.43/containers/x/json', '1.41', '/v1.41/containers/x/json'],
  ['/v1.40/containers/x/json', '1.41', '/v1.40/containers/x/json'],
  ['/containers/x/json', '1.41', '/containers/x/json'],
  ['/v1.43/info', 'something else', '/v1.43/info'],
])('%s to an engine of %s becomes %s', async (path, ApiVersion, expected) => {
  const engine = stubEngine({ version: async () => ({ ApiVersion }) as never })
  expect(await createVersionCap()(path, { name: 'n1', member: memberRecord('n1'), engine })).toBe(expected)
})

it.each([
  ['web/json', 'web', 'json'],
  ['n1/web/json', 'n1/web', 'json'],
  ['n1/web', 'n1/web', ''],
  ['n1/logs/logs', 'n1/logs', 'logs'],
  ['web/attach/ws', 'web', 'attach/ws'],
])('%s means %s, %s', (rest, reference, verb) => {
  expect(parseContainerPath(rest)).toEqual({ reference, verb })
})
