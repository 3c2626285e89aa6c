import { expect, it } from 'vitest'
import { probeOverlay } from '../../../src/machine/provision/probe-overlay.ts'
import { RootShell } from '../../../src/machine/provision/root-shell.ts'
import { HEAR_DATAGRAMS } from '../../../src/machine/provision/scripts/probe-scripts.ts'
import { FakeHost } from './fake-host.ts'

const { signal } = new AbortController()

/** A host that says so when it listens. */
function hostThatHears(stdout: string): FakeHost {
  const host = new FakeHost()
  const before = host.answer
  host.answer = ran => (ran.words.includes(HEAR_DATAGRAMS) ? { code: 0, stdout, stderr: '' } : before(ran))
  return host
}

async function probe(here: string, there: string) {
  const [new1, m1] = [hostThatHears(here), hostThatHears(there)]
  const peer = { name: 'm1', address: '10.0.0.1', user: 'root', connect: async () => m1 }
  const side = { name: 'w1', address: '10.0.0.2', shell: new RootShell(new1, { by: 'root' }) }
  const said = await probeOverlay(side, peer, signal)
  expect(m1.closed).toBe(true)
  return said
}

const ALL = 'ready\nheard 4788\nheard 4789\n'

it('has nothing to say of hosts that hear each other', async () => {
  expect(await probe(ALL, ALL)).toEqual([])
})

it('names the direction, the ports and what to do', async () => {
  expect(await probe('ready\nheard 4788\n', ALL)).toEqual([
    expect.stringMatching(
      /^Nothing .* from "m1" to "w1" on 4789\/udp.*let it in from 10\.0\.0\.1 in the firewall of 10\.0\.0\.2/,
    ),
  ])
  expect(await probe(ALL, 'ready\n')).toEqual([expect.stringMatching(/from "w1" to "m1" on 4789\/udp, 4788\/udp/)])
})

it('says nothing of ports that are in use, or of a host that could not listen', async () => {
  expect(await probe('busy 4789\nbusy 4788\nready\n', '')).toEqual([])
})
