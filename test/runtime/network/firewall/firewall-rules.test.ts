import { expect, it } from 'vitest'
import {
  firewallElements,
  type PortForward,
  planFirewallChange,
  renderFirewall,
} from '../../../../src/runtime/network/firewall/firewall-rules.ts'

const NET = { bridge: 'br-1', subnet: '10.1.0.0/24', internal: false }
const WEB: PortForward = { hostIp: '0.0.0.0', hostPort: 8080, port: 80, protocol: 'tcp', address: '10.1.0.2' }
const EMPTY = firewallElements([], [])

it('puts networks and ports into the sets', () => {
  const local = { ...WEB, hostIp: '127.0.0.1', hostPort: 53, protocol: 'udp' as const }
  const text = planFirewallChange(
    't',
    EMPTY,
    firewallElements([NET, { ...NET, bridge: 'br-2', internal: true }], [WEB, local]),
  )
  expect(text.split('\n')).toEqual([
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

it('changes only what differs, the old away before the new comes', () => {
  const before = firewallElements([NET], [WEB, { ...WEB, hostPort: 9000 }])
  const after = firewallElements([NET], [{ ...WEB, address: '10.1.0.3' }])
  expect(planFirewallChange('t', before, after).split('\n')).toEqual([
    'delete element ip t ports_any { tcp . 8080, tcp . 9000 }',
    'add element ip t ports_any { tcp . 8080 : 10.1.0.3 . 80 }',
    '',
  ])
  expect(planFirewallChange('t', after, after)).toBe('')
})

it('replaces the whole table in one script', () => {
  const text = renderFirewall('shoal-x', firewallElements([NET], [WEB]))
  expect(text.startsWith('add table ip shoal-x\ndelete table ip shoal-x\ntable ip shoal-x {')).toBe(true)
  expect(text).toContain('add element ip shoal-x ports_any { tcp . 8080 : 10.1.0.2 . 80 }')
})
