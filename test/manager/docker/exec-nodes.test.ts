import { beforeEach, expect, it } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import type { ContainerInspect, ContainerSummary, Engine } from '../../../src/docker-api/index.ts'
import { ExecNodes } from '../../../src/manager/docker/containers/exec-nodes.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, send, startFront } from './front-lab.ts'

const ID = 'aa'.padEnd(64, '0')
const asked: string[] = []
beforeEach(() => void asked.splice(0))

/** `has`: whether it says yes when it is asked for any exec instance. */
function engineWith(node: string, container: string | undefined, has: boolean): Engine {
  const line = { Id: ID, Names: [`/${container}`], Created: 1, State: 'running' } as unknown as ContainerSummary
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    containers: {
      list: async () => (container === undefined ? [] : [line]),
      inspect: async id => {
        if (container === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        const State = { Status: 'running' }
        return { Id: ID, Name: `/${container}`, State, Config: {}, HostConfig: {} } as unknown as ContainerInspect
      },
    },
    exec: {
      create: async () => ({ Id: 'e1' }),
      inspect: async id => {
        asked.push(node)
        if (!has) throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
        return { ID: id, Running: false, ExitCode: 0 } as never
      },
    },
  })
}

it("an exec instance is its maker's, whoever else says yes", async () => {
  await addNode('a-evil', engineWith('a-evil', undefined, true))
  await addNode('n1', engineWith('n1', 'web', true))
  const port = await startFront()
  expect(await send(port, 'POST', '/containers/web/exec', { Cmd: ['sh'] })).toEqual({ status: 201, body: { Id: 'e1' } })
  expect((await send(port, 'GET', '/exec/e1/json')).status).toBe(200)
  expect(asked).toEqual(['n1'])
})

it('one that several nodes claim, and that was not made here, is refused', async () => {
  await addNode('a-evil', engineWith('a-evil', undefined, true))
  await addNode('n1', engineWith('n1', 'web', true))
  await addNode('n2', engineWith('n2', undefined, false))
  const answer = await send(await startFront(), 'GET', '/exec/e9/json')
  expect(answer.status).toBe(409)
  expect((answer.body as { message: string }).message).toContain('a-evil and n1')
})

it('one that only one node has is found without having been made here', async () => {
  await addNode('n1', engineWith('n1', 'web', true))
  await addNode('n2', engineWith('n2', undefined, false))
  expect((await send(await startFront(), 'GET', '/exec/e9/json')).status).toBe(200)
})

it('a node cannot take over an id that another has named, and the oldest are forgotten', () => {
  const execs = new ExecNodes()
  execs.add('e1', 'n1')
  execs.add('e1', 'a-evil')
  expect(execs.nodeOf('e1')).toBe('n1')
  for (let index = 0; index < 20_000; index++) execs.add(`x${index}`, 'n2')
  expect(execs.nodeOf('e1')).toBeUndefined()
  expect(execs.nodeOf('x19999')).toBe('n2')
})
