import { expect, it } from 'vitest'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { PeerProbe } from '../../../src/node-agent/overlay/peer-probe.ts'

/** Hosts on one wire; a host that is down neither sends nor receives. */
function wire(clock: ManualClock, hosts: readonly string[]) {
  const receivers = new Map<string, (host: string, packet: Buffer) => void>()
  const down = new Set<string>()
  const witness = { answers: true }
  const probes = new Map(
    hosts.map(host => {
      const transport = {
        open: async (receive: (host: string, packet: Buffer) => void) => void receivers.set(host, receive),
        send: (to: string, packet: Buffer) => {
          if (!down.has(host) && !down.has(to)) receivers.get(to)?.(host, packet)
        },
        close: () => void receivers.delete(host),
      }
      const askWitness = () => (witness.answers ? Promise.resolve() : Promise.reject(new Error('away')))
      return [host, new PeerProbe({ transport, clock, cluster: 'c', askWitness, onChange: () => {} })] as const
    }),
  )
  const suspectedBy = (host: string): string[] => [...(probes.get(host)?.suspected ?? [])].sort()
  const start = async (): Promise<void> => {
    for (const [host, probe] of probes) {
      await probe.start()
      probe.setPeers(new Set(hosts.filter(other => other !== host)))
    }
  }
  return { probes, down, witness, suspectedBy, start }
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
  const transport = { open: async () => {}, send: () => {}, close: () => {} }
  const probe = new PeerProbe({
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
  let receive: (host: string, packet: Buffer) => void = () => {}
  const transport = {
    open: async (listener: typeof receive) => void (receive = listener),
    send: (host: string, packet: Buffer) => void sent.push(`${host} ${packet.toString()}`),
    close: () => {},
  }
  const probe = new PeerProbe({ transport, clock, cluster: 'c', askWitness: async () => {}, onChange: () => {} })
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
  probe.close()
})
