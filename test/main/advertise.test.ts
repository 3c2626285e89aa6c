import { expect, it } from 'vitest'
import { checkAdvertised } from '../../src/main/agent/advertise.ts'

const THERE = ['10.0.0.1:2379', '10.0.0.2:2379']

it.each([
  ['10.0.0.9', '10.0.0.9', THERE],
  ['host', '192.168.1.5', THERE],
  ['127.0.0.1', '127.0.0.1', ['127.0.0.1:2379']],
  ['localhost', '127.0.0.1', ['[::1]:2379', 'localhost:2379']],
])('%s (%s) can be advertised', (host, resolved, endpoints) => {
  expect(() => checkAdvertised({ host, resolved }, endpoints)).not.toThrow()
})

it.each([
  ['0.0.0.0', '0.0.0.0', /0\.0\.0\.0 is no address that a host can have$/],
  ['::', '::', /no address/],
  ['224.0.0.1', '224.0.0.1', /no address/],
  ['255.255.255.255', '255.255.255.255', /no address/],
  [
    '127.0.0.1',
    '127.0.0.1',
    /127\.0\.0\.1 is this host alone, and the store at 10\.0\.0\.1:2379, 10\.0\.0\.2:2379 is elsewhere$/,
  ],
  ['debian', '127.0.1.1', /debian, which is 127\.0\.1\.1 here, is this host alone/],
])('%s (%s) cannot', (host, resolved, message) => {
  const check = () => checkAdvertised({ host, resolved }, THERE)
  expect(check).toThrow(/^--advertise should be of the form ip:port or hostname:port/)
  expect(check).toThrow(message)
})
