import { expect, it } from 'vitest'
import {
  chooseResolver,
  hostsFile,
  parseResolvConf,
  resolvConf,
  updateHosts,
} from '../../../../src/runtime/network/sandboxes/sandbox-files.ts'

const request = {
  hostname: 'web',
  domainname: 'shop.lan',
  extraHosts: ['db:10.0.0.9', 'docker.host:host-gateway', 'v6:[fd00::1]'],
}

it('writes hosts as docker does', () => {
  const text = hostsFile({ request, addresses: ['172.17.0.2', '10.5.0.2'], hostAddress: '172.17.0.1' })
  expect(text).toContain('127.0.0.1\tlocalhost\n')
  expect(text).toContain('10.0.0.9\tdb\n172.17.0.1\tdocker.host\nfd00::1\tv6\n')
  expect(text.endsWith('172.17.0.2\tweb.shop.lan web\n10.5.0.2\tweb.shop.lan web\n')).toBe(true)
})

it('starts from the host’s file on the host’s network', () => {
  const text = hostsFile({
    request: { ...request, extraHosts: [] },
    addresses: [],
    hostAddress: undefined,
    base: '1.2.3.4 a\n',
  })
  expect(text).toBe('1.2.3.4 a\n')
})

const host = parseResolvConf(
  '# made by x\nnameserver 127.0.0.53\nnameserver 10.0.0.2 ; lan\nsearch a.lan b.lan\noptions edns0 ndots:2\n',
)
const asked = { dns: [], dnsSearch: [], dnsOptions: [] }

it('reads and writes resolv.conf', () => {
  expect(host).toEqual({
    servers: ['127.0.0.53', '10.0.0.2'],
    search: ['a.lan', 'b.lan'],
    options: ['edns0', 'ndots:2'],
  })
  expect(parseResolvConf(resolvConf(host))).toEqual(host)
  expect(parseResolvConf('')).toEqual({ servers: [], search: [], options: [] })
})

it.each([
  ['our server where there are names', { hasNames: true, host }, asked, ['127.0.0.11']],
  [
    'our server even where servers were asked for',
    { hasNames: true, host },
    { ...asked, dns: ['9.9.9.9'] },
    ['127.0.0.11'],
  ],
  ['the host’s servers without names', { hasNames: false, host }, asked, ['10.0.0.2']],
  ['those asked for without names', { hasNames: false, host }, { ...asked, dns: ['9.9.9.9'] }, ['9.9.9.9']],
  [
    'our server when the host’s are its own',
    { hasNames: false, host: { ...host, servers: ['127.0.0.53'] } },
    asked,
    ['127.0.0.11'],
  ],
])('chooses %s', (_what, network, wants, servers) => {
  expect(chooseResolver({ ...network, request: wants, canServe: true, isHost: false }).servers).toEqual(servers)
})

it('keeps the host’s loopback server on the host’s network', () => {
  const chosen = chooseResolver({ hasNames: false, host, request: asked, canServe: false, isHost: true })
  expect(chosen.servers).toEqual(['127.0.0.53', '10.0.0.2'])
})

it('lets the request decide search and options, and asks for bare names itself unless told otherwise', () => {
  const choose = (dnsOptions: string[]) =>
    chooseResolver({
      hasNames: true,
      host,
      request: { dns: [], dnsSearch: ['.'], dnsOptions },
      canServe: true,
      isHost: false,
    })
  expect(choose(['timeout:1'])).toEqual({ servers: ['127.0.0.11'], search: [], options: ['timeout:1', 'ndots:0'] })
  expect(choose(['ndots:3']).options).toEqual(['ndots:3'])
  expect(choose([]).options).toEqual(['edns0', 'ndots:2'])
})

it('writes docker’s names of a host with dots', () => {
  const text = hostsFile({
    request: { hostname: 'web.shop', domainname: '', extraHosts: [] },
    addresses: ['10.0.0.2'],
    hostAddress: undefined,
  })
  expect(text.endsWith('10.0.0.2\tweb.shop web\n')).toBe(true)
})

it('changes its own lines of a hosts file alone', () => {
  const before = '127.0.0.1\tlocalhost\n10.0.0.2\tweb\n# mine\n10.0.0.22\tfriend\n'
  expect(
    updateHosts(before, {
      gone: ['10.0.0.2'],
      fresh: ['fd00::2'],
      request: { hostname: 'web', domainname: '', extraHosts: [] },
    }),
  ).toBe('127.0.0.1\tlocalhost\n# mine\n10.0.0.22\tfriend\nfd00::2\tweb\n')
})
