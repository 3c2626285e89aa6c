import { expect, it } from 'vitest'
import { canonicalHosts } from '../../src/compose/canonical/hosts.ts'
import { expandPort } from '../../src/compose/canonical/ports.ts'
import { durationText, sizeText } from '../../src/compose/canonical/scalars.ts'
import { shellWords } from '../../src/compose/canonical/shell-words.ts'
import { parseShortVolume } from '../../src/compose/canonical/short-volume.ts'
import { fc } from '../support/property.ts'

const base = { mode: 'ingress', protocol: 'tcp' }

it.each<[unknown, unknown[]]>([
  ['80', [{ ...base, target: 80 }]],
  [80, [{ ...base, target: 80 }]],
  ['8080:80', [{ ...base, target: 80, published: '8080' }]],
  ['127.0.0.1:8080:80/udp', [{ ...base, host_ip: '127.0.0.1', target: 80, published: '8080', protocol: 'udp' }]],
  ['127.0.0.1::80', [{ ...base, host_ip: '127.0.0.1', target: 80 }]],
  ['[::1]:8080:80', [{ ...base, host_ip: '::1', target: 80, published: '8080' }]],
  [
    '80-81',
    [
      { ...base, target: 80 },
      { ...base, target: 81 },
    ],
  ],
  [
    '90-91:80-81',
    [
      { ...base, target: 80, published: '90' },
      { ...base, target: 81, published: '91' },
    ],
  ],
  ['8000-8010:80', [{ ...base, target: 80, published: '8000-8010' }]],
  [{ target: 80, published: 8080 }, [{ ...base, target: 80, published: '8080' }]],
])('port %j', (written, expected) => {
  expect(expandPort(written)).toEqual(expected)
})

it.each([
  ['80-82:90-91', 'Invalid ranges'],
  ['abc', 'Invalid containerPort: abc'],
  ['x:80', 'Invalid hostPort: x'],
  ['90-80', 'invalid range 90-80'],
  ['80/foo', 'Invalid proto: foo'],
  ['1.2.3:80:80', 'Invalid ip address: 1.2.3'],
  ['8080:', 'No port specified: 8080:<empty>'],
  ['99999', 'Invalid containerPort'],
])('port %j is refused', (written, message) => {
  expect(() => expandPort(written)).toThrow(message)
})

it.each<[string, object]>([
  ['/data', { type: 'volume', target: '/data' }],
  ['data:/data', { type: 'volume', source: 'data', target: '/data' }],
  ['foo/bar:/x', { type: 'volume', source: 'foo/bar', target: '/x' }],
  ['./a:/b:ro', { type: 'bind', source: './a', target: '/b', read_only: true }],
  ['~/a:/b', { type: 'bind', source: '~/a', target: '/b', bind: { create_host_path: true } }],
  ['/a:/b:z,rshared', { type: 'bind', bind: { create_host_path: true, selinux: 'z', propagation: 'rshared' } }],
  ['data:/d:nocopy', { type: 'volume', volume: { nocopy: true } }],
  ['v:/data', { type: 'volume', source: 'v', target: '/data' }],
  ['c:/a:/b:ro', { type: 'bind', source: 'c:/a', target: '/b', read_only: true }],
  ['C:\\a:D:\\b', { type: 'bind', source: 'C:\\a', target: 'D:\\b' }],
  ['C:\\a:/b', { type: 'bind', source: 'C:\\a', target: '/b' }],
])('volume %j', (written, expected) => {
  expect(parseShortVolume(written)).toMatchObject(expected)
})

it.each([
  ['', 'invalid empty volume spec'],
  ['a::b', 'empty section between colons'],
  ['a:b:c:d', 'too many colons'],
])('volume %j is refused', (written, message) => {
  expect(() => parseShortVolume(written)).toThrow(message)
})

it.each([
  ['echo a  b', ['echo', 'a', 'b']],
  ['sh -c \'echo "$A" && x\'', ['sh', '-c', 'echo "$A" && x']],
  ['a "b \\"c\\" \\d" \\ e', ['a', 'b "c" \\d', ' e']],
  ['a"b"\'c\'', ['abc']],
  ['a "" b', ['a', '', 'b']],
  ['a && b | c', ['a', '&&', 'b', '|', 'c']],
  ['', []],
])('words of %j', (text, expected) => {
  expect(shellWords(text)).toEqual(expected)
})

it('an open quote is refused', () => {
  expect(() => shellWords("echo 'x")).toThrow("' is not closed")
})

it('words that are quoted come back', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), words => {
      const quoted = words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
      expect(shellWords(quoted)).toEqual(words)
    }),
  )
})

it('hosts in every form', () => {
  expect(canonicalHosts(['b:1.1.1.1', 'a=2.2.2.2,3.3.3.3', 'v=[::1]', 'w:::2', 'g=host-gateway'])).toEqual([
    'a=2.2.2.2',
    'a=3.3.3.3',
    'b=1.1.1.1',
    'g=host-gateway',
    'v=::1',
    'w=::2',
  ])
  expect(canonicalHosts({ a: ['1.1.1.1', '2.2.2.2'] })).toEqual(['a=1.1.1.1', 'a=2.2.2.2'])
  expect(() => canonicalHosts(['foo'])).toThrow('missing IP: foo')
  expect(() => canonicalHosts(['foo=bar'])).toThrow('invalid IP')
})

it.each([
  ['1.5g', '1610612736'],
  ['10 mb', '10485760'],
  [64, '64'],
  ['-1', '-1'],
])('size %j', (written, expected) => {
  expect(sizeText(written)).toBe(expected)
})

it.each([
  ['90s', '1m30s'],
  ['1m30s', '1m30s'],
  ['2d12h', '60h0m0s'],
  ['1h', '1h0m0s'],
  ['250ms', '250ms'],
  ['100us', '100µs'],
  ['20.5s', '20.5s'],
  ['0s', '0s'],
])('duration %j', (written, expected) => {
  expect(durationText(written)).toBe(expected)
})
