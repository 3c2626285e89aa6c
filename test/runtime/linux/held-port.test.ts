import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorCode } from '../../../src/core/errors.ts'
import { holdPort } from '../../../src/runtime/linux/net/held-port.ts'

const TRIES = 100

it.each(['tcp', 'udp'] as const)('lets go of everything when a port is taken: %s', async protocol => {
  const held = await holdPort(protocol, '127.0.0.1', 0)
  const before = readdirSync('/proc/self/fd').length
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const taken = holdPort(protocol, '127.0.0.1', held.port)
      await expect(taken).rejects.toSatisfy(error => errorCode(error) === 'EADDRINUSE')
    }
    // Other tests of this process may open a few meanwhile.
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(TRIES / 2)
  } finally {
    held.release()
  }
})

it('gives a port back', async () => {
  const { port, release } = await holdPort('udp', '127.0.0.1', 0)
  release()
  const again = await holdPort('udp', '127.0.0.1', port)
  again.release()
})
