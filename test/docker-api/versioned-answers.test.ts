import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { EMPTY_CONFIG, type ImageInspect, type SystemInfo } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(given: Parameters<typeof stubEngine>[0]): Promise<(path: string) => Promise<unknown>> {
  const server = await createDockerServer({ engine: stubEngine(given), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  return async path => (await fetch(host.replace('tcp:', 'http:') + path)).json()
}

describe('GET /info', () => {
  const info = {
    Name: 'box',
    KernelMemory: false,
    CDISpecDirs: ['/etc/cdi'],
    SecurityOptions: ['name=apparmor', 'name=seccomp,profile=builtin'],
  } as unknown as SystemInfo
  const { KernelMemory, CDISpecDirs, ...always } = info

  it.each([
    ['/info', { ...always, CDISpecDirs }],
    ['/v1.47/info', { ...always, CDISpecDirs }],
    ['/v1.43/info', always],
    ['/v1.41/info', { ...always, KernelMemory }],
    [
      '/v1.24/info',
      { ...always, KernelMemory, SecurityOptions: ['apparmor', 'seccomp'], ExecutionDriver: '<not supported>' },
    ],
  ])('%s has the fields of that version', async (path, expected) => {
    const get = await serve({ info: () => Promise.resolve(info) })
    expect(await get(path)).toEqual(expected)
  })
})

describe('GET /images/{name}/json', () => {
  const image = {
    Id: 'sha256:1',
    Size: 7,
    Container: 'c1',
    ContainerConfig: { Cmd: ['true'] },
  } as unknown as ImageInspect
  const ContainerConfig = { ...EMPTY_CONFIG, Cmd: ['true'] }

  it.each([
    ['/v1.45/images/a/json', { Id: 'sha256:1', Size: 7 }],
    ['/v1.44/images/a/json', { Id: 'sha256:1', Size: 7, Container: 'c1', ContainerConfig }],
    ['/v1.43/images/a/json', { Id: 'sha256:1', Size: 7, VirtualSize: 7, Container: 'c1', ContainerConfig }],
  ])('%s tells of the container it was made of as that version does', async (path, expected) => {
    const get = await serve({ images: { inspect: () => Promise.resolve(image) } })
    expect(await get(path)).toEqual(expected)
  })
})
