import { expect, it } from 'vitest'
import { planPorts, portMap } from '../../../../src/runtime/network/ports/published-ports.ts'

const base = { portBindings: {}, publishAllPorts: false, exposedPorts: [] }

it('reads bindings', () => {
  const portBindings = {
    '80/tcp': [{ HostPort: '8080' }, { HostIp: '127.0.0.1', HostPort: '' }],
    '53/udp': [{ HostIp: '', HostPort: '5300-5302' }],
    '90': null,
  }
  expect(planPorts({ ...base, portBindings })).toEqual([
    { port: 80, protocol: 'tcp', hostIp: '', hostPorts: [8080] },
    { port: 80, protocol: 'tcp', hostIp: '127.0.0.1', hostPorts: [] },
    { port: 53, protocol: 'udp', hostIp: '', hostPorts: [5300, 5301, 5302] },
  ])
})

it('reads addresses of both families, ranges of ports, and ports bound to anything', () => {
  const portBindings = { '80-81/tcp': [{ HostIp: '[FD00:0::1]', HostPort: '8080' }], '90': [] }
  expect(planPorts({ ...base, portBindings })).toEqual([
    { port: 90, protocol: 'tcp', hostIp: '', hostPorts: [] },
    { port: 80, protocol: 'tcp', hostIp: 'fd00::1', hostPorts: [8080] },
    { port: 81, protocol: 'tcp', hostIp: 'fd00::1', hostPorts: [8080] },
  ])
})

it.each(['foo', '1.2.3', '::1%lo', '1.1.1.1; drop table'])('refuses %s as an address', HostIp => {
  expect(() => planPorts({ ...base, portBindings: { '80/tcp': [{ HostIp }] } })).toThrow(/invalid IP address/)
})

it('lets an image expose what it likes, and publishes tcp and udp', () => {
  const exposedPorts = ['80/sctp', 'foo/tcp', '90/tcp']
  expect(planPorts({ ...base, exposedPorts })).toEqual([])
  expect(portMap([], exposedPorts)).toEqual({ '80/sctp': null, '90/tcp': null })
  expect(() => planPorts({ ...base, exposedPorts: ['80/sctp'], publishAllPorts: true })).toThrow(/not sctp/)
})

it('publishes exposed ports that are not bound yet', () => {
  const portBindings = { '80/tcp': [{ HostPort: '8080' }] }
  const ports = planPorts({ portBindings, publishAllPorts: true, exposedPorts: ['80/tcp', '81/tcp'] })
  expect(ports.map(({ port, hostPorts }) => [port, hostPorts])).toEqual([
    [80, [8080]],
    [81, []],
  ])
})

it.each([
  ['x/tcp', '80'],
  ['0/tcp', '80'],
  ['80/sctp', '80'],
  ['80/tcp', '99999'],
  ['80/tcp', '90-80'],
  ['80/tcp', 'http'],
])('refuses %s published as %s', (key, HostPort) => {
  expect(() => planPorts({ ...base, portBindings: { [key]: [{ HostPort }] } })).toThrow(/invalid port specification/)
})

it('shows what is bound, and what is only exposed', () => {
  const web = { hostIp: '0.0.0.0', hostPort: 8080, port: 80, protocol: 'tcp' as const }
  expect(portMap([web, { ...web, hostPort: 8081 }], ['80/tcp', '443/tcp'])).toEqual({
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '0.0.0.0', HostPort: '8081' },
    ],
    '443/tcp': null,
  })
})
