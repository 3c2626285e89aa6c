import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { errorCode } from '../../../../src/core/errors.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { holdPort } from '../../../../src/runtime/linux/net/held-port.ts'
import { HostPorts } from '../../../../src/runtime/network/ports/host-ports.ts'
import type { PortProtocol } from '../../../../src/runtime/network/ports/published-ports.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(all => all?.some(({ family }) => family === 'IPv6'))
const options = { label: 'web', defaultIp: '' }
const wanted = (protocol: PortProtocol, ...hostPorts: number[]) => [{ port: 80, protocol, hostIp: '', hostPorts }]

it.skipIf(!hasIpv6).each(['tcp', 'udp'] as const)(
  'forgets a port it could take in one family only, so that it is not taken from its next owner: %s',
  async protocol => {
    const ports = new HostPorts({ clock: new ManualClock(), log: silentLog, hasIpv6: true })
    const stranger = await holdPort(protocol, '::', 0)
    const { port } = stranger
    try {
      const [first] = await ports.reserve('a', wanted(protocol, port, 0), options)
      expect(first?.hostPort).not.toBe(port)
    } finally {
      stranger.release()
    }
    try {
      await ports.reserve('b', wanted(protocol, port), options)
      ports.release('a')
      await expect(ports.reserve('c', wanted(protocol, port), options)).rejects.toThrow(/port is already allocated$/)
      await expect(holdPort(protocol, '0.0.0.0', port)).rejects.toSatisfy(error => errorCode(error) === 'EADDRINUSE')
      ports.release('b')
      await ports.reserve('c', wanted(protocol, port), options)
    } finally {
      ports.close()
    }
  },
)
