import { expect, it } from 'vitest'
import { type Peer, refuseAsker } from '../../src/trust/index.ts'

it('sends people who ask a node to its manager, and nobody else', () => {
  const asked = { method: 'GET', path: '/containers/json' }
  const admission = { clusterId: 'c1', revoked: () => false }
  const why = (role: 'client' | 'node'): string | undefined => {
    const subject = { name: 'ann', role, clusterId: 'c1' }
    const certificate = { subject, fingerprint: 'f' } as Peer['certificate']
    return refuseAsker('node', asked, { certificate, problem: undefined }, admission)?.message
  }
  expect(why('client')).toBe(
    'Not admitted: ann is a client, which may not ask this of a node: ask a manager of its cluster instead',
  )
  expect(why('node')).toBe('Not admitted: ann is a node, which may not ask this of a node')
})
