import { beforeEach, expect, it, vi } from 'vitest'
import { failed, ShoalError } from '../../../src/core/errors.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'
import { addNode, lab, send, startFront } from './front-lab.ts'
import { addHandNode } from './hand-node.ts'

let asked: string[] = []
beforeEach(() => {
  asked = []
})

function engineOf(node: string, more: Parameters<typeof stubEngine>[0] = {}): Engine {
  const noted = (answer: object) => async () => {
    asked.push(node)
    return answer as never
  }
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    images: {
      search: noted([{ name: 'app' }]),
      login: noted({ Status: 'Login Succeeded', IdentityToken: '' }),
      distribution: noted({ Descriptor: {} }),
    },
    ...more,
  })
}

const QUESTIONS = [
  ['GET', '/images/search?term=app', undefined],
  ['GET', '/distribution/app:1/json', undefined],
  ['POST', '/auth', { username: 'me', serveraddress: 'registry' }],
] as const

it.each(QUESTIONS)('%s %s is not asked of a node that is broken', async (method, path, body) => {
  const list = async () => Promise.reject(failed('DISK', 'no disk left'))
  await addNode('n1', engineOf('n1', { containers: { list } }))
  await addNode('n2', engineOf('n2'))
  expect((await send(await startFront(), method, path, body)).status).toBe(200)
  expect(asked).toEqual(['n2'])
})

it.each(QUESTIONS)('%s %s is asked of the next node when one closes the connection', async (method, path, body) => {
  await addHandNode('n1', socket => {
    asked.push('n1')
    socket.resetAndDestroy()
  })
  await addNode('n2', engineOf('n2'))
  expect((await send(await startFront(), method, path, body)).status).toBe(200)
  expect([...new Set(asked)]).toEqual(['n1', 'n2'])
})

it.each(QUESTIONS)('%s %s is answered as the first node has answered', async (method, path, body) => {
  const refuse = vi.fn(async () => {
    throw new ShoalError('DENIED', 401, 'unauthorized: incorrect username or password')
  })
  const images = { search: refuse, login: refuse, distribution: refuse }
  await addNode('n1', engineOf('n1', { images }))
  await addNode('n2', engineOf('n2'))
  expect(await send(await startFront(), method, path, body)).toMatchObject({
    status: 401,
    body: { message: 'unauthorized: incorrect username or password' },
  })
  expect(asked).toEqual([])
})

it.each(QUESTIONS)('%s %s says so when no node answers', async (method, path, body) => {
  lab.members.push(memberRecord('n1', { apiAddress: '127.0.0.1:1' }))
  expect(await send(await startFront(), method, path, body)).toMatchObject({
    status: 503,
    body: { message: 'The cluster has no node that answers' },
  })
})
