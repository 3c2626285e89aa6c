import { decode, encode, type RecordType } from 'dns-packet'
import { expect, it } from 'vitest'
import { seededRandom } from '../../../../src/core/random.ts'
import { answerInside, type DnsTransport, readQuery, refuse } from '../../../../src/runtime/network/dns/dns-answer.ts'
import { fc } from '../../../support/property.ts'

const MANY = Array.from({ length: 60 }, (_, index) => `10.0.0.${index + 1}`)
const names = {
  addressesOf: (name: string) =>
    ({
      web: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
      dual: ['10.0.0.9', 'fd00::9'],
      dead: [],
      many: MANY,
    })[name],
  nameOf: (address: string) => ({ '10.0.0.1': 'web.front', 'fd00::9': 'dual.front' })[address],
}

function ask(name: string, type: RecordType = 'A', transport: DnsTransport = 'udp', seed = 1) {
  const query = readQuery(encode({ type: 'query', id: 7, flags: 256, questions: [{ type, name }] }))
  if (query === undefined) throw new Error('not a query')
  const bytes = answerInside(query.packet, query.question, { names, random: seededRandom(seed), transport })
  return bytes === undefined ? undefined : { bytes, ...decode(bytes) }
}
const dataOf = (answer: ReturnType<typeof ask>): string[] =>
  (answer?.answers ?? []).map(record => ('data' in record && typeof record.data === 'string' ? record.data : ''))

it('answers a name with all its addresses, in changing order, not to be kept', () => {
  const answer = ask('WEB.')
  expect(dataOf(answer).sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  expect(answer?.answers?.map(record => ('ttl' in record ? record.ttl : undefined))).toEqual([0, 0, 0])
  expect(answer).toMatchObject({ id: 7, type: 'response', rcode: 'NOERROR', flag_ra: true, flag_rd: true })
  const firsts = new Set(Array.from({ length: 30 }, (_, seed) => dataOf(ask('web', 'A', 'udp', seed))[0]))
  expect(firsts.size).toBe(3)
})

it('says of a known name that it has no other records, and of a dead one that it has none', () => {
  expect(ask('web', 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [] })
  expect(ask('dead')).toMatchObject({ rcode: 'NOERROR', answers: [] })
})

it('leaves unknown names to others', () => {
  expect(ask('example.com')).toBeUndefined()
  expect(ask('9.0.0.10.in-addr.arpa', 'PTR')).toBeUndefined()
})

it('answers each family with its addresses', () => {
  expect(dataOf(ask('dual'))).toEqual(['10.0.0.9'])
  expect(dataOf(ask('dual', 'AAAA'))).toEqual(['fd00::9'])
})

it('names addresses', () => {
  const reverse = '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa'
  expect(dataOf(ask(reverse, 'PTR'))).toEqual(['dual.front'])
  expect(ask('9.9.9.9.9.in-addr.arpa', 'PTR')).toBeUndefined()
  expect(dataOf(ask('1.0.0.10.in-addr.arpa', 'PTR'))).toEqual(['web.front'])
})

it('cuts what does not fit into a datagram and says so; a stream carries all', () => {
  const cut = ask('many')
  expect(cut?.bytes.length).toBeLessThanOrEqual(512)
  expect(cut).toMatchObject({ flag_tc: true })
  expect(cut?.answers?.length).toBeGreaterThan(20)
  expect(ask('many', 'A', 'tcp')).toMatchObject({ flag_tc: false })
  expect(ask('many', 'A', 'tcp')?.answers).toHaveLength(60)
})

it('refuses with a reason', () => {
  const packet = { id: 9, questions: [{ type: 'A' as const, name: 'x' }] }
  expect(decode(refuse(packet, 'servfail'))).toMatchObject({ id: 9, rcode: 'SERVFAIL' })
  expect(decode(refuse(packet, 'nxdomain'))).toMatchObject({ rcode: 'NXDOMAIN' })
})

it('never throws on bytes from anywhere', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      const query = readQuery(Buffer.from(bytes))
      if (query !== undefined)
        answerInside(query.packet, query.question, { names, random: seededRandom(1), transport: 'udp' })
    }),
  )
})
