import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, startFront } from './front-lab.ts'

const version = async () => ({ ApiVersion: '1.41' }) as never
const INFO = { Containers: 3, ContainersRunning: 1, ContainersPaused: 0, ContainersStopped: 2, Images: 4 }

function engineWith(answer: (good: unknown) => unknown): Engine {
  return stubEngine({
    version,
    info: async () => answer(INFO) as never,
    images: {
      list: async () => answer([{ Id: 'sha256:1', RepoTags: ['app:1'], RepoDigests: [], Created: 1 }]) as never,
    },
    volumes: { list: async () => answer([{ Name: 'data', Driver: 'local', Labels: {} }]) as never },
    networks: { list: async () => answer([{ Name: 'bridge', Id: 'b1', Scope: 'local', Labels: {} }]) as never },
  })
}

describe('a node that answers with garbage', () => {
  it.each([
    ['nothing', null],
    ['a list of nothing', [null]],
    ['a list of other things', [{ RepoTags: 5 }]],
    ['text', 'hello'],
  ])('(%s) is left out, and the others are told', async (_what, garbage) => {
    await addNode(
      'liar',
      engineWith(() => garbage),
    )
    await addNode(
      'n2',
      engineWith(good => good),
    )
    const port = await startFront()
    expect(await get(port, '/images/json')).toMatchObject({ status: 200, body: [{ Id: 'sha256:1' }] })
    expect(await get(port, '/volumes')).toMatchObject({ status: 200, body: { Volumes: [{ Name: 'n2/data' }] } })
    expect(await get(port, '/networks')).toMatchObject({ status: 200, body: [{ Name: 'n2/bridge' }] })
    expect((await get(port, '/info')).status).toBe(200)
  })

  it('has no names of images that are no text', async () => {
    await addNode(
      'liar',
      engineWith(() => [{ Id: 'sha256:2', RepoTags: [7, 'odd:1'], RepoDigests: {}, Created: 'now' }]),
    )
    const port = await startFront()
    expect(await get(port, '/images/json')).toMatchObject({
      status: 200,
      body: [{ Id: 'sha256:2', RepoTags: ['odd:1'], RepoDigests: [], Created: 0 }],
    })
    expect((await get(port, '/containers/json?filters={"ancestor":["odd:1"]}')).status).toBe(200)
  })
})
