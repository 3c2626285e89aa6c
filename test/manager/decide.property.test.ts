import { expect, it } from 'vitest'
import type { ServiceSpec } from '../../src/core/model/service.ts'
import { isTerminal } from '../../src/core/model/task.ts'
import { fc } from '../support/property.ts'
import { ModelCluster } from './model-cluster.ts'
import { keys, projectSpec, serviceSpec } from './support.ts'

const NODES = ['n1', 'n2', 'n3']
const VOLUMES = [{ name: 'data', key: 'data', external: false, driver: 'local', driverOptions: {}, labels: {} }]

type Event =
  | { readonly type: 'apply'; readonly web: number; readonly db: number; readonly version: number }
  | { readonly type: 'down' | 'up'; readonly node: string }
  | { readonly type: 'availability'; readonly node: string; readonly availability: 'active' | 'drain' | 'pause' }
  | { readonly type: 'agents'; readonly failing: number }
  | { readonly type: 'round'; readonly most: number }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'remove'; readonly volumes: boolean }

const node = fc.constantFrom(...NODES)
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('apply' as const), web: fc.nat(4), db: fc.nat(1), version: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('down' as const, 'up' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('availability' as const),
      node,
      availability: fc.constantFrom('active' as const, 'drain' as const, 'pause' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('agents' as const), failing: fc.nat(4) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('round' as const), most: fc.constantFrom(1, 2, 100) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(500, 3_000, 20_000) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), volumes: fc.boolean() }) },
)

function shop(web: number, db: number, version: number) {
  const environment = { VERSION: String(version) }
  const mounts = [{ type: 'volume' as const, source: 'data', target: '/data' }]
  const dependsOn: ServiceSpec['dependsOn'] = [{ service: 'db', condition: 'service_started', required: true }]
  return projectSpec(
    'shop',
    [
      serviceSpec('web', { replicas: web, dependsOn, container: { image: 'web', environment } }),
      serviceSpec('db', { replicas: db, container: { image: 'db', mounts } }),
    ],
    { volumes: VOLUMES },
  )
}

function play(cluster: ModelCluster, event: Event): void {
  switch (event.type) {
    case 'apply':
      return cluster.apply(shop(event.web, event.db, event.version))
    case 'down':
      return cluster.nodeDown(event.node)
    case 'up':
      return cluster.nodeUp(event.node)
    case 'agents':
      return cluster.agents(task => (event.failing === 0 && task.slot === 1 ? 'failed' : undefined))
    case 'round':
      return void cluster.round(event.most)
    case 'pass':
      return cluster.pass(event.ms)
    case 'availability': {
      const record = cluster.snapshot().nodes.get(event.node)?.value
      if (record !== undefined) cluster.put(keys.node(event.node), { ...record, availability: event.availability })
      return
    }
    case 'remove': {
      const project = cluster.snapshot().projects.get('shop')?.value
      if (project !== undefined) cluster.put(keys.project('shop'), { ...project, removing: { volumes: event.volumes } })
      return
    }
  }
}

/** Tasks that are wanted and have not ended, by slot. */
function wanted(cluster: ModelCluster) {
  const { tasks, status } = cluster.snapshot()
  return [...tasks.values()]
    .map(({ value }) => value)
    .filter(task => task.desired === 'running' && !isTerminal(status.get(task.id)?.value.state ?? 'pending'))
}

/** `settled`: a whole round has just been done, so what an operator changed was seen. */
function checkSafety(cluster: ModelCluster, settled: boolean): void {
  const { nodes, volumes, services, members } = cluster.snapshot()
  const tasks = wanted(cluster)
  for (const [slot, inSlot] of Map.groupBy(tasks, task => `${task.serviceId}.${task.slot}`)) {
    // Only an old task on a node that was being emptied may stand beside its successor.
    const steady = inSlot.filter(task => nodes.get(task.node ?? '')?.value.availability !== 'drain')
    if (settled) expect(steady.length, `tasks wanted in ${slot}`).toBeLessThanOrEqual(1)
    expect(inSlot.length, `tasks wanted in ${slot}`).toBeLessThanOrEqual(2)
  }
  for (const task of tasks) {
    const home = volumes.get('data')?.value.node
    if (task.service === 'db' && task.node !== undefined && services.size > 0 && members.size > 0) {
      expect(task.node, 'a task goes where its volume is').toBe(home)
    }
  }
}

it('converges from wherever a history of faults has led, and never breaks a rule on the way', () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 60, size: 'max' }), events => {
      const cluster = new ModelCluster()
      for (const name of NODES) cluster.nodeUp(name)
      cluster.apply(shop(2, 1, 0))
      for (const each of events) {
        play(cluster, each)
        checkSafety(cluster, each.type === 'round' && each.most === 100)
      }
      // Everything is well again: all nodes up and active, one last wish.
      const restore = (): void => {
        for (const name of NODES) {
          cluster.nodeUp(name)
          const record = cluster.snapshot().nodes.get(name)?.value
          if (record !== undefined) cluster.put(keys.node(name), { ...record, availability: 'active' })
        }
        for (const volume of cluster.snapshot().volumes.values()) {
          if (volume.value.removing === true) cluster.delete(volume.key)
        }
      }
      restore()
      for (
        let round = 0;
        round < 20 && cluster.snapshot().projects.get('shop')?.value.removing !== undefined;
        round++
      ) {
        cluster.round()
        cluster.agents()
        restore()
      }
      cluster.apply(shop(3, 1, 7))
      let rounds = 0
      for (let quiet = 0; quiet < 3 && rounds < 60; rounds++) {
        const decided = cluster.round()
        cluster.agents()
        cluster.pass(20_000)
        quiet = decided === 0 ? quiet + 1 : 0
      }
      expect(rounds).toBeLessThan(60)
      const names = wanted(cluster).map(
        task => `${task.service}.${task.slot} v${task.spec.container.environment?.['VERSION'] ?? '-'}`,
      )
      expect(names.sort()).toEqual(['db.1 v-', 'web.1 v7', 'web.2 v7', 'web.3 v7'])
      expect(wanted(cluster).every(task => task.node !== undefined)).toBe(true)
      const { tasks, status, services } = cluster.snapshot()
      expect(tasks.size).toBeLessThanOrEqual(8)
      expect([...status.keys()].every(id => tasks.has(id))).toBe(true)
      expect(services.size).toBe(2)
    }),
    { numRuns: 400 },
  )
})

it('takes everything down from wherever a history of faults has led', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40, size: 'max' }), events => {
      const cluster = new ModelCluster()
      for (const name of NODES) cluster.nodeUp(name)
      cluster.apply(shop(2, 1, 0))
      for (const each of events) play(cluster, each)
      for (const name of NODES) cluster.nodeUp(name)
      play(cluster, { type: 'remove', volumes: false })
      for (let round = 0; round < 20; round++) {
        cluster.round()
        cluster.agents()
        cluster.pass(5_000)
      }
      const { projects, services, tasks, status, networks } = cluster.snapshot()
      expect([projects.size, services.size, tasks.size, status.size, networks.size]).toEqual([0, 0, 0, 0, 0])
    }),
    { numRuns: 200 },
  )
})
