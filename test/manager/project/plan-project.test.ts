import { describe, expect, it } from 'vitest'
import { cidrContains, cidrOverlaps, parseCidr, parseIpv4 } from '../../../src/core/cidr.ts'
import type { NetworkSpec, ServiceSpec } from '../../../src/core/model/service.ts'
import type { Snapshot } from '../../../src/manager/index.ts'
import { allocateNetwork, DEFAULT_POOL } from '../../../src/manager/project/allocate-network.ts'
import { differences } from '../../../src/manager/project/differences.ts'
import { planProject } from '../../../src/manager/project/plan-project.ts'
import { resolvePorts } from '../../../src/manager/project/resolve-ports.ts'
import { specHashOf } from '../../../src/manager/project/spec-hash.ts'
import { validateProject } from '../../../src/manager/project/validate-project.ts'
import { parseConstraint } from '../../../src/scheduler/index.ts'
import { fc } from '../../support/property.ts'
import { ModelCluster } from '../model-cluster.ts'
import { projectSpec, serviceSpec } from '../support.ts'

const OPTIONS = { nowMs: 0, pool: DEFAULT_POOL, removeOrphans: false }
const network = (name: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  name,
  key: name,
  external: false,
  internal: false,
  labels: {},
  ...more,
})

function clusterWith(...projects: readonly ReturnType<typeof projectSpec>[]): Snapshot {
  const cluster = new ModelCluster()
  for (const project of projects) cluster.apply(project)
  return cluster.snapshot()
}

const steps = (plan: ReturnType<typeof planProject>): string[] =>
  plan.steps.map(({ action, kind, name, because }) => [action, kind, name, ...(because ?? [])].join(' '))

describe('a plan', () => {
  const web = serviceSpec('web', { replicas: 2, container: { image: 'web', environment: { A: '1' } } })
  const shop = projectSpec('shop', [web], { networks: [network('shop_default')] })
  it.each<[string, ReturnType<typeof projectSpec>, readonly string[]]>([
    ['the same changes nothing', shop, ['keep network shop_default', 'keep service web']],
    [
      'a scale is no update',
      { ...shop, services: [{ ...web, replicas: 5 }] },
      ['keep network shop_default', 'scale service web replicas 2 -> 5'],
    ],
    [
      'a changed variable is named',
      { ...shop, services: [{ ...web, container: { image: 'web:2', environment: { A: '2' } } }] },
      ['keep network shop_default', 'update service web environment.A image'],
    ],
    [
      'other dependencies are no update',
      { ...shop, services: [{ ...web, dependsOn: [{ service: 'x', condition: 'service_started', required: false }] }] },
      ['keep network shop_default', 'keep service web'],
    ],
    [
      'what is new is created',
      { ...shop, services: [web, serviceSpec('db')] },
      ['keep network shop_default', 'keep service web', 'create service db'],
    ],
  ])('%s', (_name, desired, expected) => {
    expect(steps(planProject(desired, clusterWith(shop), OPTIONS))).toEqual(expected)
  })

  it('keeps orphans, and says so, unless they are to go', () => {
    const before = clusterWith(projectSpec('shop', [web, serviceSpec('old')]))
    const after = projectSpec('shop', [web])
    const kept = planProject(after, before, OPTIONS)
    expect(steps(kept)).toEqual(['keep service web'])
    expect(kept.warnings[0]).toMatch(/old.*--remove-orphans/)
    expect(steps(planProject(after, before, { ...OPTIONS, removeOrphans: true }))).toContain('remove service old')
  })

  it('replaces everything when forced, once', () => {
    const before = clusterWith(shop)
    const forced = planProject(shop, before, { ...OPTIONS, forced: { services: true, salt: 'x' } })
    expect(steps(forced)).toContain('update service web forced')
    expect(forced.services[0]?.value?.specHash).not.toBe(specHashOf(web))
    const cluster = new ModelCluster()
    cluster.apply(shop)
    cluster.put('/shoal/test/services/shop.web', forced.services[0]?.value)
    expect(planProject(shop, cluster.snapshot(), OPTIONS).services).toEqual([])
  })

  it('replaces only the services that are named, when forced so', () => {
    const two = projectSpec('shop', [web, serviceSpec('db')])
    const plan = planProject(two, clusterWith(two), { ...OPTIONS, forced: { services: ['db'], salt: 'x' } })
    expect(steps(plan)).toEqual(['keep service web', 'update service db forced'])
  })
})

describe('validation', () => {
  const port = (published: number): ServiceSpec['ports'][number] => ({
    target: 80,
    published,
    protocol: 'tcp',
    mode: 'ingress',
  })
  const other = projectSpec('other', [serviceSpec('front', { ports: [port(8080)] })])
  it.each<[string, ServiceSpec, string, RegExp]>([
    [
      'a port of another project',
      serviceSpec('web', { ports: [port(8080)] }),
      'PORT_TAKEN',
      /8080\/tcp is already published by service front of project other/,
    ],
    ['too many replicas', serviceSpec('web', { replicas: 1e9 }), 'BAD_REPLICAS', /whole number from 0/],
    ['half a replica', serviceSpec('web', { replicas: 0.5 }), 'BAD_REPLICAS', /0\.5/],
    [
      'an unknown network',
      serviceSpec('web', { networks: [{ network: 'x', aliases: [] }] }),
      'UNKNOWN_NETWORK',
      /x is not in the project/,
    ],
    [
      'an unknown volume',
      serviceSpec('web', { container: { image: 'a', mounts: [{ type: 'volume', source: 'v', target: '/v' }] } }),
      'UNKNOWN_VOLUME',
      /v is not/,
    ],
    ['a constraint that says nothing', serviceSpec('web', { constraints: ['disk'] }), 'BAD_CONSTRAINT', /==, !=/],
    [
      'a dependency that is not there',
      serviceSpec('web', { dependsOn: [{ service: 'db', condition: 'service_started', required: true }] }),
      'UNKNOWN_DEPENDENCY',
      /db/,
    ],
    ['an image that is none', serviceSpec('web', { container: { image: 'A B' } }), 'BAD_IMAGE_NAME', /A B/],
  ])('refuses %s', (_name, service, code, message) => {
    const check = () =>
      validateProject(projectSpec('shop', [service]), clusterWith(other), text => void parseConstraint(text))
    expect(check).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error)
  })

  it('lets a project keep its own port', () => {
    expect(() => validateProject(other, clusterWith(other), () => {})).not.toThrow()
  })

  it('refuses an external network that does not exist', () => {
    const project = projectSpec('shop', [], { networks: [network('lan', { external: true })] })
    expect(() => validateProject(project, clusterWith(), () => {})).toThrow(/external network lan does not exist/)
  })
})

describe('networks', () => {
  it('get subnets and identifiers of their own, away from the hosts', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 60 }), names => {
        const networks: { name: string; vni: number; subnet: string }[] = []
        const hosts = ['10.128.0.1', '10.200.3.4']
        const pool = { pool: '10.128.0.0/17', prefix: 24 }
        for (const name of names) networks.push({ name, ...allocateNetwork(network(name), { networks, hosts }, pool) })
        const subnets = networks.map(({ subnet }) => parseCidr(subnet))
        expect(new Set(networks.map(({ vni }) => vni)).size).toBe(names.length)
        expect(subnets.some((a, i) => subnets.some((b, j) => i < j && cidrOverlaps(a, b)))).toBe(false)
        expect(subnets.some(subnet => hosts.some(host => cidrContains(subnet, parseIpv4(host))))).toBe(false)
      }),
    )
  })

  it('are refused a subnet that is taken, and say by whom', () => {
    const networks = [{ name: 'a', vni: 1, subnet: '10.1.0.0/16' }]
    const wanted = network('b', { subnet: '10.1.2.0/24' })
    expect(() => allocateNetwork(wanted, { networks, hosts: [] }, DEFAULT_POOL)).toThrow(
      /overlaps 10\.1\.0\.0\/16 of network a/,
    )
  })

  it('run out with a sentence', () => {
    const pool = { pool: '10.0.0.0/24', prefix: 25 }
    const networks = [
      { name: 'a', vni: 1, subnet: '10.0.0.0/25' },
      { name: 'b', vni: 2, subnet: '10.0.0.128/25' },
    ]
    expect(() => allocateNetwork(network('c'), { networks, hosts: [] }, pool)).toThrow(/all 2 subnets/)
  })
})

it('ports without a number get one, and keep it', () => {
  const web = serviceSpec('web', { ports: [{ target: 80, protocol: 'tcp', mode: 'ingress' }] })
  const first = resolvePorts(projectSpec('shop', [web]), clusterWith())
  expect(first.services[0]?.ports[0]?.published).toBe(30_000)
  const before = clusterWith(
    projectSpec('a', [
      serviceSpec('x', { ports: [{ target: 1, published: 30_001, protocol: 'tcp', mode: 'ingress' }] }),
    ]),
    first,
  )
  expect(resolvePorts(projectSpec('shop', [web]), before)).toEqual(first)
  expect(resolvePorts(projectSpec('two', [web]), before).services[0]?.ports[0]?.published).toBe(30_002)
})

it('ports of a range get the first of it that is free, and keep it', () => {
  const range = { first: 8_000, last: 8_001 }
  const web = serviceSpec('web', { ports: [{ target: 80, protocol: 'tcp', mode: 'ingress', range }] })
  const portsOf = (project: string, before: ReturnType<typeof clusterWith>): readonly (number | undefined)[] =>
    resolvePorts(projectSpec(project, [web]), before).services[0]?.ports.map(({ published }) => published) ?? []
  const first = resolvePorts(projectSpec('shop', [web]), clusterWith())
  expect(portsOf('shop', clusterWith(first))).toEqual([8_000])
  expect(portsOf('two', clusterWith(first))).toEqual([8_001])
  const two = resolvePorts(projectSpec('two', [web]), clusterWith(first))
  expect(() => portsOf('three', clusterWith(first, two))).toThrow('ports 8000 to 8001 are all taken')
  // One that was asked for by its number was not chosen, and is not kept.
  const named = serviceSpec('web', { ports: [{ target: 80, protocol: 'tcp', mode: 'ingress', published: 8_001 }] })
  expect(portsOf('shop', clusterWith(projectSpec('shop', [named])))).toEqual([8_000])
})

it('differences are named as in a compose file', () => {
  const before = { container: { image: 'a', environment: { A: '1', B: '2' } }, limits: { memoryBytes: 1 }, ports: [1] }
  const after = { container: { image: 'a', environment: { A: '1', C: '2' } }, limits: { memoryBytes: 2 }, ports: [2] }
  expect(differences(before, after)).toEqual(['environment.B', 'environment.C', 'limits.memoryBytes', 'ports'])
  expect(differences(before, before)).toEqual([])
})
