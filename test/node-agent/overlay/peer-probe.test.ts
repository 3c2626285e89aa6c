import { expect, it } from 'vitest'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { PeerProbe, type ProbeListener } from '../../../src/node-agent/overlay/peer-probe.ts'

/** Hosts on one wire; one that is down neither sends nor receives, one without its agent refuses what it is sent. */
function wire(clock: ManualClock, hosts: readonly string[]) {
  const listeners = new Map<string, ProbeListener>()
  const down = new Set<string>()
  const agentless = new Set<string>()
  const gone = new Set<string>()
  const isMember = (host: string): boolean => !gone.has(host)
  const witness = { answers: true }
  const probes = new Map(
    hosts.map(host => {
      const transport = {
        open: async (listener: ProbeListener) => void listeners.set(host, listener),
        follow: () => {},
        send: (to: string, packet: Buffer) => {
          if (down.has(host) || down.has(to) || agentless.has(host)) return
          if (agentless.has(to)) listeners.get(host)?.refused(to)
          else listeners.get(to)?.receive(host, packet)
        },
        close: () => void listeners.delete(host),
      }
      const askWitness = () => (witness.answers ? Promise.resolve() : Promise.reject(new Error('away')))
      return [
        host,
        new PeerProbe({ transport, clock, cluster: 'c', askWitness, isMember, onChange: () => {} }),
      ] as const
    }),
  )
  const suspectedBy = (host: string): string[] => [...(probes.get(host)?.suspected ?? [])].sort()
  const start = async (): Promise<void> => {
    for (const [host, probe] of probes) {
      await probe.start()
      probe.setPeers(new Set(hosts.filter(other => other !== host)))
    }
  }
  return { probes, down, agentless, gone, witness, suspectedBy, start }
}

it('suspects a dead host within two seconds and trusts it again when it speaks', async () => {
  const clock = new ManualClock()
  const { down, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  await clock.advance(5_000)
  expect(suspectedBy('a')).toEqual([])
  down.add('c')
  await clock.advance(1_000)
  expect(suspectedBy('a')).toEqual([])
  await clock.advance(900)
  expect([suspectedBy('a'), suspectedBy('b')]).toEqual([['c'], ['c']])
  down.delete('c')
  await clock.advance(500)
  expect(suspectedBy('a')).toEqual([])
})

it('gives up a host that only refuses when its membership has run out, and takes it back when its agent speaks', async () => {
  const clock = new ManualClock()
  const { agentless, gone, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  agentless.add('c')
  await clock.advance(5_000)
  expect(suspectedBy('a')).toEqual([])
  gone.add('c')
  await clock.advance(2_000)
  expect([suspectedBy('a'), suspectedBy('b')]).toEqual([['c'], ['c']])
  agentless.delete('c')
  await clock.advance(500)
  expect(suspectedBy('a')).toEqual([])
})

it('keeps a host whose agent is gone, until the host is silent too', async () => {
  const clock = new ManualClock()
  const { down, agentless, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  agentless.add('c')
  await clock.advance(60_000)
  expect([suspectedBy('a'), suspectedBy('b')]).toEqual([[], []])
  down.add('c')
  await clock.advance(2_000)
  expect([suspectedBy('a'), suspectedBy('b')]).toEqual([['c'], ['c']])
})

it('trusts a host that died only when its agent speaks, not when it refuses', async () => {
  const clock = new ManualClock()
  const { down, agentless, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  down.add('c')
  await clock.advance(2_000)
  down.delete('c')
  agentless.add('c')
  await clock.advance(5_000)
  expect(suspectedBy('a')).toEqual(['c'])
  agentless.delete('c')
  await clock.advance(500)
  expect(suspectedBy('a')).toEqual([])
})

it('needs no witness when all others refuse, for then it is not cut off', async () => {
  const clock = new ManualClock()
  const { agentless, witness, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  witness.answers = false
  agentless.add('b').add('c')
  await clock.advance(10_000)
  witness.answers = true
  await clock.advance(1_000)
  expect(suspectedBy('a')).toEqual([])
})

it('tells its own isolation from the death of the others by the witness', async () => {
  const clock = new ManualClock()
  const { down, witness, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  await clock.advance(1_000)
  down.add('b').add('c')
  witness.answers = false
  await clock.advance(5_000)
  expect(suspectedBy('a')).toEqual([])
  witness.answers = true
  await clock.advance(500)
  expect(suspectedBy('a')).toEqual(['b', 'c'])
})

it('blames itself, not the others, for time it slept through', async () => {
  const clock = new ManualClock()
  const { probes, suspectedBy, start } = wire(clock, ['a', 'b', 'c'])
  await start()
  await clock.advance(1_000)
  let lateMs = 0
  const sleepy = Object.assign(Object.create(clock) as ManualClock, { monotonicMs: () => clock.monotonicMs() + lateMs })
  const transport = { open: async () => {}, follow: () => {}, send: () => {}, close: () => {} }
  const probe = new PeerProbe({
    isMember: () => true,
    transport,
    clock: sleepy,
    cluster: 'c',
    askWitness: async () => {},
    onChange: () => {},
  })
  await probe.start()
  probe.setPeers(new Set(['b']))
  lateMs = 10_000
  await clock.advance(250)
  expect([...probe.suspected]).toEqual([])
  await clock.advance(500)
  expect([...probe.suspected]).toEqual(['b'])
  for (const each of [...probes.values(), probe]) each.close()
  await settle()
  expect(suspectedBy('a')).toEqual([])
})

it('gives a new peer the full time, forgets one that is no peer any more, and ignores strangers', async () => {
  const clock = new ManualClock()
  const sent: string[] = []
  const followed: string[][] = []
  let receive: ProbeListener['receive'] = () => {}
  let refused: ProbeListener['refused'] = () => {}
  const transport = {
    open: async (listener: ProbeListener) => void ({ receive, refused } = listener),
    follow: (hosts: ReadonlySet<string>) => void followed.push([...hosts]),
    send: (host: string, packet: Buffer) => void sent.push(`${host} ${packet.toString()}`),
    close: () => {},
  }
  const probe = new PeerProbe({
    transport,
    clock,
    cluster: 'c',
    askWitness: async () => {},
    isMember: () => true,
    onChange: () => {},
  })
  await probe.start()
  await clock.advance(60_000)
  probe.setPeers(new Set(['b']))
  await clock.advance(1_250)
  expect([...probe.suspected]).toEqual([])
  await clock.advance(750)
  expect([...probe.suspected]).toEqual(['b'])
  receive('b', Buffer.from('shoal pong other'))
  expect([...probe.suspected]).toEqual(['b'])
  receive('b', Buffer.from('shoal ping c'))
  expect([...probe.suspected]).toEqual([])
  probe.setPeers(new Set())
  receive('b', Buffer.from('shoal ping c'))
  expect(sent.at(-1)).toBe('b shoal pong c')
  await clock.advance(5_000)
  expect([...probe.suspected]).toEqual([])
  refused('b')
  expect([...probe.suspected]).toEqual([])
  expect(followed).toEqual([['b'], []])
  probe.close()
})

it('sleeps while it shares networks with nobody, and lets go of those it suspected', async () => {
  const clock = new ManualClock()
  const { probes, down, suspectedBy, start } = wire(clock, ['a', 'b'])
  await start()
  down.add('b')
  await clock.advance(3_000)
  expect(suspectedBy('a')).toEqual(['b'])
  for (const probe of probes.values()) probe.setPeers(new Set())
  await clock.advance(1_000)
  expect(suspectedBy('a')).toEqual([])
  expect(clock.nextDueMs()).toBeUndefined()
  probes.get('a')?.setPeers(new Set(['b']))
  await clock.advance(1_000)
  expect(suspectedBy('a')).toEqual([])
  await clock.advance(2_000)
  expect(suspectedBy('a')).toEqual(['b'])
})
