import type {
  DependencyCondition,
  DependencySpec,
  NetworkAttachment,
  PortSpec,
  Resources,
  RestartSpec,
  ServiceSpec,
  UpdateSpec,
} from '../../core/model/service.ts'
import { DEFAULT_RESTART } from '../../core/model/task.ts'
import { parseCpus } from '../../core/units.ts'
import { durationMs } from '../canonical/scalars.ts'
import { replicasOf } from '../check/services.ts'
import { at } from '../problem.ts'
import { asList, asText, asTree, isTree, type Path, type Tree } from '../tree.ts'
import { containerSpec, type Names } from './container-spec.ts'
import { bytes, present, text, textsOf } from './values.ts'

export interface ServiceNames extends Names {
  readonly networks: ReadonlyMap<string, string>
  /** Names other services gave it through `links`. */
  readonly linkAliases: readonly string[]
}

/** What the manager is asked to keep running for one service. Throws PathError for what only a person can decide. */
export function serviceSpec(name: string, service: Tree, names: ServiceNames): ServiceSpec {
  const deploy = asTree(service['deploy'])
  const placement = asTree(deploy['placement'])
  const mode = modeOf(asText(deploy['mode']))
  const resources = asTree(deploy['resources'])
  const limits = asTree(resources['limits'])
  const reservations = asTree(resources['reservations'])
  return {
    name,
    replicas: mode.isGlobal ? Math.min(1, replicasOf(service)) : replicasOf(service),
    ...present({
      mode: mode.isGlobal ? ('global' as const) : undefined,
      replicasPerNode: bytes(placement['max_replicas_per_node']),
      spreadOver: text(asTree(asList(placement['preferences'])[0])['spread']),
      labels: textsOf(deploy['labels']),
    }),
    container: containerSpec(name, service, names),
    limits: resourcesOf({
      memory: limits['memory'] ?? service['mem_limit'],
      cpus: limits['cpus'] ?? service['cpus'],
      pids: limits['pids'] ?? service['pids_limit'],
    }),
    reservations: resourcesOf({
      memory: reservations['memory'] ?? service['mem_reservation'],
      cpus: reservations['cpus'],
      pids: undefined,
    }),
    constraints: [...asList(placement['constraints']).map(asText), ...platformConstraints(service['platform'])],
    networks: attachments(service, names),
    ports: asList(service['ports']).map(port => portSpec(asTree(port))),
    restart: restartOf(name, service, mode.isJob),
    ...present({ update: updateSpec(deploy['update_config']), rollback: updateSpec(deploy['rollback_config']) }),
    dependsOn: dependencies(service['depends_on']),
  }
}

function modeOf(mode: string): { readonly isGlobal: boolean; readonly isJob: boolean } {
  return { isGlobal: mode.startsWith('global'), isJob: mode.endsWith('-job') }
}

/** `linux/arm64/v8`: where such containers run. */
function platformConstraints(platform: unknown): readonly string[] {
  const [os = '', arch = ''] = asText(platform).split('/')
  const written = [
    ['os', os],
    ['arch', arch],
  ]
  return written.flatMap(([key, value]) => (value === '' ? [] : [`node.platform.${key} == ${value}`]))
}

/** A job ends, and is not begun anew then. */
function restartOf(name: string, service: Tree, isJob: boolean): RestartSpec {
  const policy = asTree(service['deploy'])['restart_policy']
  const path = ['services', name]
  const spec = restartSpec(service['restart'], policy, [...path, 'restart'])
  if (!isJob || spec.condition !== 'any') return spec
  if (isTree(policy) && asText(policy['condition']) === '') return { ...spec, condition: 'on-failure' }
  const at_ = isTree(policy) ? [...path, 'deploy', 'restart_policy', 'condition'] : [...path, 'restart']
  throw at(at_, ': a job that has succeeded is done: use on-failure or none')
}

function resourcesOf({ memory, cpus, pids }: { memory: unknown; cpus: unknown; pids: unknown }): Resources {
  const nanoCpus = cpus === undefined || cpus === '' ? 0 : parseCpus(asText(cpus))
  return present({
    memoryBytes: bytes(memory),
    nanoCpus: nanoCpus > 0 ? nanoCpus : undefined,
    pids: bytes(pids),
  })
}

function attachments(service: Tree, { networks, linkAliases }: ServiceNames): readonly NetworkAttachment[] {
  if (service['network_mode'] !== undefined) return []
  const own = typeof service['container_name'] === 'string' ? [service['container_name']] : []
  // The way out is the network joined first.
  const rank = ([, options]: readonly [string, unknown]): readonly number[] =>
    ['gw_priority', 'priority'].map(name => Number(asTree(options)[name] ?? 0))
  const byRank = (a: readonly [string, unknown], b: readonly [string, unknown]): number => {
    const [ours, theirs] = [rank(a), rank(b)]
    return (theirs[0] ?? 0) - (ours[0] ?? 0) || (theirs[1] ?? 0) - (ours[1] ?? 0)
  }
  return Object.entries(asTree(service['networks']))
    .toSorted(byRank)
    .map(([key, options]) => ({
      network: networks.get(key) ?? key,
      aliases: [...new Set([...asList(asTree(options)['aliases']).map(asText), ...own, ...linkAliases])],
    }))
}

function portSpec(port: Tree): PortSpec {
  const published = asText(port['published'])
  const [, first, last] = /^(\d+)-(\d+)$/.exec(published) ?? []
  return {
    target: Number(port['target']),
    protocol: port['protocol'] === 'udp' ? 'udp' : 'tcp',
    mode: port['mode'] === 'host' ? 'host' : 'ingress',
    ...(published === '' || published === '0' || last !== undefined ? {} : { published: Number(published) }),
    ...(last === undefined ? {} : { range: { first: Number(first), last: Number(last) } }),
    ...(typeof port['host_ip'] === 'string' && port['host_ip'] !== '' ? { hostIp: port['host_ip'] } : {}),
  }
}

/** `deploy.restart_policy` wins over `restart`; with neither, a container that fails is started again. */
function restartSpec(restart: unknown, policy: unknown, path: Path): RestartSpec {
  if (isTree(policy)) {
    const condition = asText(policy['condition'])
    const attempts = Number(policy['max_attempts'])
    return {
      condition: condition === 'none' || condition === 'on-failure' ? condition : 'any',
      ...present({
        delayMs: durationMs(policy['delay']),
        windowMs: durationMs(policy['window']),
        maxAttempts: Number.isInteger(attempts) && attempts > 0 ? attempts : undefined,
      }),
    }
  }
  const [name = '', attempts] = asText(restart).split(':')
  switch (name) {
    case '':
      return DEFAULT_RESTART
    case 'no':
    case 'false':
      return { condition: 'none' }
    case 'always':
    case 'unless-stopped':
      return { condition: 'any' }
    case 'on-failure':
      return { condition: 'on-failure', ...(attempts === undefined ? {} : { maxAttempts: Number(attempts) }) }
    default:
      throw at(
        path,
        `: "${asText(restart)}" is not a restart policy: use no, always, on-failure[:times] or unless-stopped`,
      )
  }
}

function updateSpec(value: unknown): UpdateSpec | undefined {
  if (!isTree(value)) return undefined
  const { parallelism, max_failure_ratio: ratio } = value
  const update: UpdateSpec = present({
    parallelism: parallelism === undefined ? undefined : Number(asText(parallelism)),
    order: value['order'] === 'start-first' ? value['order'] : undefined,
    delayMs: durationMs(value['delay']),
    monitorMs: durationMs(value['monitor']),
    failureAction:
      value['failure_action'] === 'continue' || value['failure_action'] === 'rollback'
        ? value['failure_action']
        : undefined,
    maxFailureRatio: ratio === undefined ? undefined : Number(asText(ratio)),
  })
  return Object.keys(update).length === 0 ? undefined : update
}

function dependencies(value: unknown): readonly DependencySpec[] {
  return Object.entries(asTree(value)).map(([service, dependency]) => ({
    service,
    condition: asText(asTree(dependency)['condition']) as DependencyCondition,
    required: asTree(dependency)['required'] !== false,
    ...(asTree(dependency)['restart'] === true ? { restart: true } : {}),
  }))
}
