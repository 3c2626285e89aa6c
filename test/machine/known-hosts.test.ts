import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprint, type HostKey, readHostKey } from '../../src/machine/ssh/host-key.ts'
import { KnownHosts, knownHostName } from '../../src/machine/ssh/known-hosts.ts'

function keyOf(type: string, content: string): HostKey {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(type.length)
  return { type, bytes: Buffer.concat([length, Buffer.from(type), Buffer.from(content)]) }
}

const KEY = keyOf('ssh-ed25519', 'one')
const OTHER = keyOf('ssh-ed25519', 'two')
const RSA = keyOf('ssh-rsa', 'three')
const line = (hosts: string, key: HostKey): string => `${hosts} ${key.type} ${key.bytes.toString('base64')} comment`

function hashed(name: string): string {
  const salt = Buffer.from('0123456789abcdefghij')
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

describe('known hosts', () => {
  it.each([
    ['a name', 'n1', 'n1'],
    ['one of several', 'n0,n1,10.0.0.5', '10.0.0.5'],
    ['a name in capitals', 'N1', 'n1'],
    ['stars and question marks', '*.example.org,10.0.0.?', '10.0.0.7'],
    ['a port', '[n1]:2222', '[n1]:2222'],
    ['a hashed name', hashed('n1'), 'n1'],
  ])('know a host by %s', (_what, hosts, name) => {
    expect(new KnownHosts([line(hosts, KEY)]).judge(name, KEY)).toEqual({ is: 'known' })
  })

  it.each([
    ['another name', 'n2', 'n1'],
    ['a name that is taken out', '*,!n1', 'n1'],
    ['another port', '[n1]:2222', 'n1'],
    ['a hash of another name', hashed('n2'), 'n1'],
  ])('do not know one by %s', (_what, hosts, name) => {
    expect(new KnownHosts([line(hosts, KEY)]).judge(name, KEY)).toEqual({ is: 'unknown' })
  })

  it('tell a key that changed from one that was never seen', () => {
    expect(new KnownHosts([line('n1', OTHER)]).judge('n1', KEY)).toEqual({ is: 'changed', known: [OTHER] })
    expect(new KnownHosts([]).judge('n1', KEY)).toEqual({ is: 'unknown' })
  })

  it('refuse a revoked key, though another line knows it', () => {
    const known = new KnownHosts([`${line('n1', KEY)}\n@revoked ${line('*', KEY)}`])
    expect(known.judge('n1', KEY)).toEqual({ is: 'revoked' })
  })

  it('say by which types a host is known, and whether an authority speaks for it', () => {
    const known = new KnownHosts([line('n1', KEY), `${line('n1', RSA)}\n@cert-authority ${line('*.org', OTHER)}`])
    expect(known.typesOf('n1')).toEqual(['ssh-ed25519', 'ssh-rsa'])
    expect(known.hasAuthority('a.org')).toBe(true)
    expect(known.hasAuthority('n1')).toBe(false)
  })

  it.each([
    '',
    '# n1',
    'n1',
    'n1 ssh-ed25519',
    'n1 ssh-rsa AAAA',
    '@strange n1 ssh-rsa AAAA',
    `n1 ssh-rsa ${'A'.repeat(9)}`,
  ])('pass over %j', text => {
    expect(new KnownHosts([text]).judge('n1', KEY)).toEqual({ is: 'unknown' })
  })
})

describe('a host key', () => {
  it('is named by the digest that ssh-keygen shows', () => {
    expect(fingerprint(KEY)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
    expect(fingerprint(KEY)).not.toBe(fingerprint(OTHER))
  })

  it.each([
    Buffer.alloc(0),
    Buffer.from([0, 0, 0, 9, 1]),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([255, 255, 255, 255]),
  ])('is not read from %j', bytes => {
    expect(readHostKey(bytes)).toBeUndefined()
  })

  it('is looked up with its port unless that is 22', () => {
    expect([knownHostName('N1', 22), knownHostName('n1', 2222)]).toEqual(['n1', '[n1]:2222'])
  })
})
