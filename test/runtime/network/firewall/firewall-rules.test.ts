import { expect, it } from 'vitest'
import {
  firewallElements,
  type PortForward,
  planFirewallChange,
  renderFirewall,
} from '../../../../src/runtime/network/firewall/firewall-rules.ts'

const NET = { bridge: 'br-1', subnet: '10.1.0.0/24', internal: false, options: {} }
const DUAL = { ...NET, bridge: 'br-6', ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1' } }
const WEB: PortForward = { hostIp: '0.0.0.0', hostPort: 8080, port: 80, protocol: 'tcp', address: '10.1.0.2' }
const EMPTY = firewallElements(4, [], [])

it('puts networks and ports into the sets', () => {
  const local = { ...WEB, hostIp: '127.0.0.1', hostPort: 53, protocol: 'udp' as const }
  const after = firewallElements(4, [NET, { ...NET, bridge: 'br-2', internal: true }], [WEB, local])
  expect(planFirewallChange(4, 't', { before: EMPTY, after }).split('\n')).toEqual([
    'add element ip t bridges { "br-1", "br-2" }',
    'add element ip t same { "br-1" . "br-1", "br-2" . "br-2" }',
    'add element ip t own { 10.1.0.0/24 . "br-1", 10.1.0.0/24 . "br-2" }',
    'add element ip t internal { "br-2" }',
    'add element ip t subnets { 10.1.0.0/24 }',
    'add element ip t ports_any { tcp . 8080 : 10.1.0.2 . 80 }',
    'add element ip t ports_at { 127.0.0.1 . udp . 53 : 10.1.0.2 . 80 }',
    '',
  ])
})

it('tells the families apart, and keeps bridges without IPv6 closed to it', () => {
  const six = { ...WEB, hostIp: '::', address6: 'fd00:1::2' }
  const after = firewallElements(6, [NET, DUAL], [WEB, six, { ...six, hostIp: 'fd99::1', hostPort: 81 }])
  expect(planFirewallChange(6, 't', { before: new Map(), after }).split('\n')).toEqual([
    'add element ip6 t bridges { "br-1", "br-6" }',
    'add element ip6 t same { "br-1" . "br-1", "br-6" . "br-6" }',
    'add element ip6 t own { fd00:1::/64 . "br-6" }',
    'add element ip6 t subnets { fd00:1::/64 }',
    'add element ip6 t ports_any { tcp . 8080 : fd00:1::2 . 80 }',
    'add element ip6 t ports_at { fd99::1 . tcp . 81 : fd00:1::2 . 80 }',
    '',
  ])
  const none = firewallElements(6, [NET], [{ ...WEB, hostIp: '::' }])
  expect(none.get('ports_any')).toEqual(new Map())
})

it('leaves the addresses of containers alone where that is asked for', () => {
  const options = { 'com.docker.network.bridge.enable_ip_masquerade': 'false' }
  expect(firewallElements(4, [{ ...NET, options }], []).get('subnets')).toEqual(new Map())
})

it('changes only what differs, the old away before the new comes', () => {
  const before = firewallElements(4, [NET], [WEB, { ...WEB, hostPort: 9000 }])
  const after = firewallElements(4, [NET], [{ ...WEB, address: '10.1.0.3' }])
  expect(planFirewallChange(4, 't', { before, after }).split('\n')).toEqual([
    'delete element ip t ports_any { tcp . 8080, tcp . 9000 }',
    'add element ip t ports_any { tcp . 8080 : 10.1.0.3 . 80 }',
    '',
  ])
  expect(planFirewallChange(4, 't', { before: after, after })).toBe('')
})

it('replaces the whole table in one script', () => {
  const text = renderFirewall(4, 'shoal-x', firewallElements(4, [NET], [WEB]))
  expect(text.startsWith('add table ip shoal-x\ndelete table ip shoal-x\ntable ip shoal-x {')).toBe(true)
  expect(text).toContain('add element ip shoal-x ports_any { tcp . 8080 : 10.1.0.2 . 80 }')
  expect(renderFirewall(6, 'shoal-x', EMPTY)).not.toContain('127.0.0.0/8')
})
