import { describe, expect, it } from 'vitest'
import type { ContainerConfig } from '../../../src/docker-api/index.ts'
import { imageConfig } from '../../../src/runtime/containers/files/commit-container.ts'
import { mergeConfig } from '../../../src/runtime/containers/life/merge-config.ts'

it('an image that is made of a container says nothing of its cluster, and nothing that says nothing', () => {
  const Labels = { 'shoal.task.id': 't1', 'com.docker.swarm.reschedule-policies': '["on-node-failure"]', tier: 'web' }
  expect(imageConfig({ Cmd: ['x'], Labels, StopSignal: '', Volumes: {} })).toEqual({
    Cmd: ['x'],
    Labels: { tier: 'web' },
  })
})

describe('a request laid over an image', () => {
  it.each<[string, ContainerConfig, ContainerConfig, Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>]>([
    ['nothing said', {}, { Entrypoint: ['e'], Cmd: ['c'] }, { Entrypoint: ['e'], Cmd: ['c'] }],
    ['a command', { Cmd: ['x'] }, { Entrypoint: ['e'], Cmd: ['c'] }, { Entrypoint: ['e'], Cmd: ['x'] }],
    [
      'an entrypoint hides the image command',
      { Entrypoint: ['x'] },
      { Entrypoint: ['e'], Cmd: ['c'] },
      { Entrypoint: ['x'], Cmd: null },
    ],
    [
      'an empty entrypoint',
      { Entrypoint: [''], Cmd: ['x'] },
      { Entrypoint: ['e'], Cmd: ['c'] },
      { Entrypoint: null, Cmd: ['x'] },
    ],
  ])('%s', (_what, request, image, merged) => {
    expect(mergeConfig(request, image)).toMatchObject(merged)
  })

  it('refuses to run nothing', () => {
    expect(() => mergeConfig({}, {})).toThrow('No command specified')
  })

  it('joins variables, labels, ports and volumes, and takes the rest from who says it', () => {
    const merged = mergeConfig(
      {
        Cmd: ['x'],
        Env: ['A=request', 'C'],
        Labels: { own: '1' },
        WorkingDir: '/own',
        HostConfig: { PortBindings: { '80': [{ HostPort: '8080' }] } },
      },
      {
        Env: ['A=image', 'B=image', 'C=image'],
        Labels: { own: '0', theirs: '2' },
        ExposedPorts: { '53/udp': {} },
        User: 'app',
        WorkingDir: '/theirs',
        StopSignal: 'SIGINT',
      },
    )
    expect(merged).toMatchObject({
      Env: ['A=request', 'C', 'B=image'],
      Labels: { own: '1', theirs: '2' },
      ExposedPorts: { '53/udp': {}, '80/tcp': {} },
      User: 'app',
      WorkingDir: '/own',
      StopSignal: 'SIGINT',
    })
    expect(merged).not.toHaveProperty('HostConfig')
  })

  it('takes from the request alone what a container is to its cluster', () => {
    const image = { Cmd: ['x'], Labels: { 'shoal.task.id': 'theirs', 'com.docker.swarm.id': 'x', tier: 'web' } }
    expect(mergeConfig({}, image).Labels).toEqual({ tier: 'web' })
    expect(mergeConfig({ Labels: { 'shoal.task.id': 'own' } }, image).Labels).toEqual({
      tier: 'web',
      'shoal.task.id': 'own',
    })
  })

  it.each([
    ['inherited', undefined, { Test: ['CMD', 'a'] }, { Test: ['CMD', 'a'] }],
    ['changed in part', { Interval: 5 }, { Test: ['CMD', 'a'], Interval: 1 }, { Test: ['CMD', 'a'], Interval: 5 }],
    ['switched off', { Test: ['NONE'] }, { Test: ['CMD', 'a'] }, { Test: ['NONE'] }],
    ['absent', undefined, undefined, undefined],
  ])('a health check is %s', (_what, own, image, expected) => {
    const merged = mergeConfig(
      { Cmd: ['x'], ...(own === undefined ? {} : { Healthcheck: own }) },
      image === undefined ? {} : { Healthcheck: image },
    )
    expect(merged.Healthcheck).toEqual(expected)
  })
})
