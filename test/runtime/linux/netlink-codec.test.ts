import { expect, it } from 'vitest'
import {
  attribute,
  decodeAttributes,
  decodeIp,
  decodeMac,
  decodeMessages,
  decodeText,
  encodeBe16,
  encodeIp,
  encodeIpv4,
  encodeMac,
  encodeMessage,
  encodeText,
  encodeU32,
} from '../../../src/runtime/linux/net/netlink-codec.ts'
import { fc } from '../../support/property.ts'

const payload = fc.uint8Array({ maxLength: 50 }).map(bytes => Buffer.from(bytes))

it('reads back every message of a datagram', () => {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 5 }), payloads => {
      const bytes = Buffer.concat(
        payloads.map((payload, sequence) => encodeMessage({ type: 16, flags: 5, sequence, payload })),
      )
      expect(decodeMessages(bytes)).toEqual(
        payloads.map((payload, sequence) => ({ type: 16, flags: 5, sequence, payload })),
      )
    }),
  )
})

it('reads back attributes, nested ones too', () => {
  fc.assert(
    fc.property(payload, payload, (one, two) => {
      const nested = attribute(18, [attribute(1, one), attribute(2, two)])
      const outer = decodeAttributes(Buffer.concat([attribute(3, two), nested]))
      expect(outer.get(3)).toEqual(two)
      const inner = decodeAttributes(outer.get(18) ?? Buffer.alloc(0))
      expect([inner.get(1), inner.get(2)]).toEqual([one, two])
    }),
  )
})

it('survives any bytes', () => {
  fc.assert(
    fc.property(payload, bytes => {
      decodeMessages(bytes)
      decodeAttributes(bytes)
    }),
  )
})

it('writes values as the kernel reads them', () => {
  expect(attribute(3, encodeText('br0'))).toEqual(Buffer.from([8, 0, 3, 0, 0x62, 0x72, 0x30, 0]))
  expect(attribute(4, Buffer.from([1]))).toEqual(Buffer.from([5, 0, 4, 0, 1, 0, 0, 0]))
  expect(encodeU32(0x01020304)).toEqual(Buffer.from([4, 3, 2, 1]))
  expect(encodeBe16(4789)).toEqual(Buffer.from([0x12, 0xb5]))
  expect(encodeIpv4('10.1.2.3')).toEqual(Buffer.from([10, 1, 2, 3]))
  expect(decodeIp(encodeIpv4('192.0.2.255'))).toBe('192.0.2.255')
  expect(decodeIp(encodeIp('0.0.2.255'))).toBe('0.0.2.255')
  expect(decodeIp(encodeIp('fd00::5'))).toBe('fd00::5')
  expect(decodeMac(encodeMac('02:42:ac:11:00:02'))).toBe('02:42:ac:11:00:02')
  expect(decodeText(Buffer.from('eth0\0rest'))).toBe('eth0')
})
