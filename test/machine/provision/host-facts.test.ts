import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FACTS_SCRIPT } from '../../../src/machine/provision/facts/facts-script.ts'
import { parseFacts } from '../../../src/machine/provision/facts/host-facts.ts'
import { factsOf } from './scene.ts'

it('reads what this host says of itself', () => {
  const words = [
    '--programs',
    'sh',
    'no-such-program',
    '--files',
    '/etc/os-release',
    '/no/such/file',
    '--names',
    'agent',
  ]
  const text = execFileSync('sh', ['-c', FACTS_SCRIPT, 'shoal', ...words], { encoding: 'utf8' })
  const facts = parseFacts(text, { fromS: 0, toS: 0 })
  expect(facts.kernel).toMatch(/^\d+\.\d+/)
  expect(facts.os['ID']).toMatch(/^\w+/)
  expect([...facts.missing]).toEqual(['no-such-program'])
  expect(facts.files.get('/etc/os-release')).toMatch(/^[0-9a-f]{64}$/)
  expect(facts.files.has('/no/such/file')).toBe(false)
  expect(facts.diskFree['/opt']).toBeGreaterThan(0)
  expect(facts.memoryBytes).toBeGreaterThan(1024 ** 2)
})

it('reads states, owners and answers', () => {
  const facts = factsOf({
    service: ['agent active', 'manager inactive'],
    runs: ['agent abc'],
    owner: ['{"machine":"n1","cluster":"etcd://a:1"}'],
    joined: ['{"name":"n1","discovery":"etcd://b:1"}'],
    engine: ['{"name":"n1","version":"1.0","running":2}'],
    listens: ['0948'],
    docker_config: [Buffer.from('{"debug":true}').toString('base64')],
  })
  expect(facts.services.get('agent')).toEqual({ active: true, runs: 'abc' })
  expect(facts.services.get('manager')).toEqual({ active: false, runs: '' })
  expect(facts.owner).toEqual({ machine: 'n1', cluster: 'etcd://a:1' })
  expect(facts.joined).toBe('etcd://b:1')
  expect(facts.engine?.version).toBe('1.0')
  expect(facts.listening.has(2376)).toBe(true)
  expect(facts.dockerConfig).toBe('{"debug":true}')
})

it.each([
  [999, -1],
  [1_000, 0],
  [1_001, 0],
  [1_005, 4],
])('takes a clock of %i for %i seconds ahead of a look that took one', (clock, ahead) => {
  expect(factsOf({ clock: [String(clock)] }).clockAheadS).toBe(ahead)
})

it('takes half-written files for none', () => {
  const facts = factsOf({ owner: ['{"machine":"n'], joined: ['{'], engine: ['nonsense'] })
  expect(facts).toMatchObject({ owner: {} })
  expect(facts.joined).toBeUndefined()
  expect(facts.engine).toBeUndefined()
})

it('refuses whatever else a host may say, and says so', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(() => parseFacts(text, { fromS: 0, toS: 0 })).toThrow(expect.objectContaining({ code: 'BAD_FACTS' }))
    }),
  )
})
