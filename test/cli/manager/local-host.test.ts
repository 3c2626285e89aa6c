import { expect, it } from 'vitest'
import { localHost } from '../../../src/cli/manager/local-host.ts'
import { LOCAL_HOSTS } from '../../../src/cli/manager/manager-address.ts'

const [manager, socket, ours, docker] = LOCAL_HOSTS

it.each([
  ['the manager before all', LOCAL_HOSTS, manager],
  ['the socket of a manager before engines', [docker, ours, socket], socket],
  ['our engine before Docker', [docker, ours], ours],
  ['Docker where there is nothing else', [docker], docker],
  ['the manager if nobody answers, to be told why', [], manager],
] as const)('compose takes of this machine %s', async (_, answering, expected) => {
  const asked: string[] = []
  const found = await localHost(async url => {
    asked.push(url)
    return answering.some(known => known === url)
  })
  expect(found).toBe(expected)
  expect(asked).toEqual(LOCAL_HOSTS.slice(0, asked.length))
})
