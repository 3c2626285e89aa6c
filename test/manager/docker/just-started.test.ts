import { expect, it } from 'vitest'
import type { Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, lab, send, startFront } from './front-lab.ts'

const WEB = 'a'.repeat(64)

/** An engine with one container, which lists nothing before it may. */
function slowEngine(ready: Promise<void>): Engine {
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    containers: {
      list: async () => {
        await ready
        return [{ Id: WEB, Names: ['/web'], Created: 1, State: 'running' }] as never
      },
      inspect: async () => ({ Id: WEB, Name: '/web', State: { Status: 'running' }, Config: {} }) as never,
    },
  })
}

it('a manager that has just started says what there is only when it has read its nodes', async () => {
  const ready = Promise.withResolvers<void>()
  await addNode('n1', slowEngine(ready.promise))
  const known = Promise.withResolvers<void>()
  lab.known = known.promise
  const { members } = lab
  lab.members = []
  const port = await startFront()
  const answers = Promise.all([
    get(port, '/containers/json'),
    get(port, '/containers/web/json'),
    get(port, '/info'),
    get(port, '/v1/nodes'),
  ])
  // It is up all the same.
  expect((await send(port, 'HEAD', '/_ping')).status).toBe(200)
  lab.members = members
  known.resolve()
  ready.resolve()
  const [list, web, info, nodes] = await answers
  expect(list.body).toMatchObject([{ Names: ['/n1/web'] }])
  expect(web.body).toMatchObject({ Id: WEB, Node: { Name: 'n1' } })
  expect(info.body).toMatchObject({ Containers: 1 })
  expect(nodes.body).toMatchObject([{ name: 'n1', status: 'ready' }])
})
