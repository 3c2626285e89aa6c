import { expect, it } from 'vitest'
import { probeOverlay } from '../../../src/machine/provision/probe-overlay.ts'
import { RootShell } from '../../../src/machine/provision/root-shell.ts'
import { END_HEARING, HEAR_DATAGRAMS, SEND_DATAGRAMS } from '../../../src/machine/provision/scripts/probe-scripts.ts'
import type { RemoteResult, RunOptions } from '../../../src/machine/ssh/transport.ts'
import { FakeHost } from './fake-host.ts'

const { signal } = new AbortController()

/** A host that says so when it listens. */
function hostThatHears(stdout: string): FakeHost {
  const host = new FakeHost()
  const before = host.answer
  host.answer = ran => (ran.words.includes(HEAR_DATAGRAMS) ? { code: 0, stdout, stderr: '' } : before(ran))
  return host
}

function probe(here: string, there: string): Promise<readonly string[]> {
  return probeBetween(hostThatHears(here), hostThatHears(there))
}

async function probeBetween(new1: FakeHost, m1: FakeHost): Promise<readonly string[]> {
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

it.each([
  ['has no program to send with', 127],
  ['was too slow to send', 124],
  ['has no way there', 1],
])('says nothing of what a host did not send that %s', async (_why, code) => {
  const sender = hostThatHears(ALL)
  const before = sender.answer
  sender.answer = ran => (ran.words.includes(SEND_DATAGRAMS) ? { code, stdout: '', stderr: '' } : before(ran))
  expect(await probeBetween(hostThatHears('ready 7\n'), sender)).toEqual([])
})

/** A host that listens until it is told to end. */
class PatientHost extends FakeHost {
  readonly #ended = Promise.withResolvers<void>()
  /** Which process was ended, once all was sent. */
  readonly endings: (string | undefined)[] = []

  override async run(words: readonly string[], options: RunOptions): Promise<RemoteResult> {
    if (words.includes(END_HEARING)) {
      this.endings.push(words.at(-1))
      this.#ended.resolve()
    }
    if (!words.includes(HEAR_DATAGRAMS)) return super.run(words, options)
    options.onLine?.('ready 4711', 'stdout')
    await this.#ended.promise
    return { code: 143, stdout: 'ready 4711\nheard 4788\n', stderr: '' }
  }
}

it('has a host listen until the other has sent all, however long that takes', async () => {
  const patient = new PatientHost()
  expect(await probeBetween(patient, hostThatHears(ALL))).toEqual([expect.stringContaining('on 4789/udp, so')])
  expect(patient.endings).toEqual(['4711'])
})
