import { expect, it } from 'vitest'
import { load, messageOf } from './load.ts'

/** The attributes of service `web` when `over` is put over `base`. */
function merged(base: string, over: string): Record<string, unknown> {
  const file = (body: string): string => `services:\n  web: {${body}}\n`
  const { model } = load(
    { 'a.yaml': file(`image: i, ${base}`), 'b.yaml': file(over) },
    { files: ['a.yaml', 'b.yaml'], skip: new Set(['consistency', 'env-files', 'normalise']) },
  )
  return (model['services'] as Record<string, Record<string, unknown>>)['web'] ?? {}
}

it.each<[string, string, string, unknown]>([
  ['command', 'command: [a, b]', 'command: c d', ['c', 'd']],
  ['command', 'command: [a]', 'command: null', null],
  ['ports', 'ports: ["80:80"]', 'ports: null', [{ mode: 'ingress', target: 80, published: '80', protocol: 'tcp' }]],
  ['entrypoint', 'entrypoint: a', 'entrypoint: []', []],
  ['environment', 'environment: [A=1, B=2]', 'environment: {B: 3, C: null}', { A: '1', B: '3', C: null }],
  ['labels', 'labels: {a: 1}', 'labels: [a=2, b]', { a: '2', b: '' }],
  ['dns', 'dns: 1.1.1.1', 'dns: [2.2.2.2, 1.1.1.1]', ['1.1.1.1', '2.2.2.2']],
  ['cap_add', 'cap_add: [A, B]', 'cap_add: [B, C]', ['A', 'B', 'C']],
  ['group_add', 'group_add: [a]', 'group_add: [b]', ['a', 'b']],
  [
    'healthcheck',
    'healthcheck: {test: a, retries: 2}',
    'healthcheck: {test: [CMD, b]}',
    { test: ['CMD', 'b'], retries: 2 },
  ],
  [
    'logging',
    'logging: {driver: x, options: {a: 1}}',
    'logging: {options: {b: 2}}',
    { driver: 'x', options: { a: '1', b: '2' } },
  ],
  ['logging', 'logging: {driver: x, options: {a: 1}}', 'logging: {driver: y}', { driver: 'y' }],
  ['ulimits', 'ulimits: {n: 1}', 'ulimits: {n: {soft: 1, hard: 2}}', { n: { soft: 1, hard: 2 } }],
  [
    'depends_on',
    'depends_on: {a: {condition: service_healthy}}',
    'depends_on: [a, b]',
    { a: { condition: 'service_started', required: true }, b: { condition: 'service_started', required: true } },
  ],
  ['networks', 'networks: {a: {aliases: [x]}}', 'networks: [a, b]', { a: { aliases: ['x'] }, b: null }],
  ['extra_hosts', 'extra_hosts: ["a:1.1.1.1"]', 'extra_hosts: {a: 2.2.2.2}', ['a=1.1.1.1', 'a=2.2.2.2']],
  ['build', 'build: .', 'build: {target: t}', { context: '/srv/shop', target: 't', dockerfile: 'Dockerfile' }],
  ['sysctls', 'sysctls: [a=1]', 'sysctls: {a: 2}', { a: '2' }],
])('%s: %s under %s', (attribute, base, over, expected) => {
  expect(merged(base, over)[attribute]).toEqual(expected)
})

it('mounts are one per target, in the place of the first', () => {
  const { volumes } = merged('volumes: ["a:/x/", "b:/y"]', 'volumes: ["./c:/x:ro"]')
  expect(volumes).toMatchObject([
    { type: 'bind', source: '/srv/shop/c', target: '/x', read_only: true },
    { type: 'volume', source: 'b', target: '/y' },
  ])
})

it('ports are one per address, port and protocol, ranges expanded', () => {
  const { ports } = merged('ports: ["8000-8001:80-81"]', 'ports: [{target: 81, published: "8001"}, "8001:81/udp"]')
  expect(
    (ports as { published: string; protocol: string }[]).map(port => `${port.published}/${port.protocol}`),
  ).toEqual(['8000/tcp', '8001/tcp', '8001/udp'])
})

it('!reset removes and !override replaces', () => {
  const web = merged(
    'ports: ["1:1"], environment: {A: 1, B: 2}, dns: 1.1.1.1',
    'ports: !override ["2:2"], environment: {A: !reset null}, dns: !reset null',
  )
  expect(web['ports']).toMatchObject([{ published: '2' }])
  expect(web['environment']).toEqual({ B: '2' })
  expect(web['dns']).toBeUndefined()
})

it('kinds that do not go together are refused', () => {
  const message = messageOf(() => merged('healthcheck: {test: a}', 'healthcheck: {test: b, interval: {}}'))
  expect(message).toContain('services.web.healthcheck.interval must be a string')
  expect(messageOf(() => merged('x-a: {k: 1}', 'x-a: [1]'))).toContain('cannot override a mapping with a list')
})
