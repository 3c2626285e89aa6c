import { expect, it } from 'vitest'
import { PLACES } from '../../../src/machine/provision/host-paths.ts'
import { networkFiles } from '../../../src/machine/provision/steps/network-step.ts'
import { MACHINE, SWARM, sceneOf } from './scene.ts'

it.each([
  ['an engine alone', MACHINE, ['shoal-+']],
  ['a member', { ...MACHINE, swarm: SWARM }, ['2376/tcp', '4789/udp', '4788/udp', 'shoal-+', 'shb+']],
])('lets nothing but what we name pass the packet filter for %s', (_what, machine, passages) => {
  const scene = sceneOf({ firewall: ['ufw'] }, { machine })
  const file = networkFiles(scene).find(({ path }) => path === PLACES.firewall)
  expect(file?.content).toBe(passages.map(passage => `ufw ${passage}\n`).join(''))
})
