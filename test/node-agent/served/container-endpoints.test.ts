import { expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { notFound } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import type { ContainerInspect, EngineEvent } from '../../../src/docker-api/index.ts'
import { ContainerEndpoints, Restarts } from '../../../src/node-agent/index.ts'
import type { ContainerOverlay } from '../../../src/node-agent/ports.ts'
import { stubEngine } from '../../support/stub-engine.ts'

it('tells the cluster what becomes of containers that have addresses', async () => {
  const running = new Map([
    ['a', true],
    ['b', false],
  ])
  const told: string[] = []
  const owners = new Set(['a', 'b', 'gone'])
  const overlay = {
    owners: () => [...owners],
    publishTask: async (id: string, { healthy }: { healthy: boolean }) => void told.push(`${id} ${healthy}`),
    releaseTask: async (id: string) => {
      owners.delete(id)
      told.push(`${id} released`)
    },
    change: async (id: string, { names }: { names?: (before: readonly string[]) => readonly string[] }) =>
      void told.push(`${id} ${names?.(['old', 'alias']).join()}`),
  } as unknown as ContainerOverlay
  const end = new AbortController()
  const event = (Action: string, ID: string, Attributes = {}): EngineEvent =>
    ({ Type: 'container', Action, Actor: { ID, Attributes } }) as EngineEvent
  const engine = stubEngine({
    containers: {
      inspect: async id => {
        const Running = running.get(id)
        if (Running === undefined) throw notFound('NO_SUCH_CONTAINER', id)
        return { State: { Running } } as ContainerInspect
      },
    },
    async *events() {
      running.set('a', false)
      yield event('die', 'a')
      yield event('exec_start: sh', 'a')
      yield event('start', 'stranger')
      yield event('rename', 'b', { oldName: '/old', name: 'new' })
      running.delete('b')
      yield event('destroy', 'b')
      end.abort()
    },
  })
  await new ContainerEndpoints({ engine, overlay, clock: systemClock, log: silentLog }).run(end.signal)
  expect(told).toEqual(['a true', 'b false', 'gone released', 'a false', 'b new,alias', 'b released'])
})

it('leaves addresses alone whose container is only being made', async () => {
  const released: string[] = []
  const overlay = {
    owners: () => ['being made', 'gone'],
    releaseTask: async (id: string) => void released.push(id),
  } as unknown as ContainerOverlay
  const engine = stubEngine({
    containers: {
      inspect: async id => {
        throw notFound('NO_SUCH_CONTAINER', id)
      },
    },
  })
  const endpoints = new ContainerEndpoints({ engine, overlay, clock: systemClock, log: silentLog })
  const done = endpoints.expect('being made')
  for (const id of overlay.owners()) await endpoints.look(id)
  expect(released).toEqual(['gone'])
  done()
  await endpoints.look('being made')
  expect(released).toEqual(['gone', 'being made'])
})

it('knows what is restarted by hand until it is over, well or not', async () => {
  const restarts = new Restarts()
  const ended: string[] = []
  restarts.onEnd(id => ended.push(id))
  const seen: boolean[] = []
  const { containers } = restarts.watch(
    stubEngine({
      containers: {
        inspect: async () => ({ Id: 'full' }) as ContainerInspect,
        restart: async id => {
          seen.push(restarts.has(id))
          if (seen.length > 1) throw notFound('X', 'it cannot start')
        },
      },
    }),
  )
  await containers.restart('web', {})
  await expect(containers.restart('web', {})).rejects.toThrow('it cannot start')
  expect([seen, ended, restarts.has('full')]).toEqual([[true, true], ['full', 'full'], false])
})
