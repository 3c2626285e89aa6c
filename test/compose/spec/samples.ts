import { COMPOSE_SHAPE } from '../../../src/compose/schema/compose-shape.ts'
import type { Shape } from '../../../src/compose/schema/shape.ts'

type Tree = Readonly<Record<string, unknown>>

/** One attribute, as `services.web.ports.0.mode`, and a compose file with and without it. */
export interface Sample {
  readonly path: string
  readonly having: string
  readonly lacking: string
}

/** Files that the samples name. */
export const SAMPLE_FILES = {
  key: 'secret',
  'own.env': 'A=$$B',
  'other.env': 'C=2',
  'base.yaml': 'services: {base: {image: b}, db: {image: e}}',
  'context/Dockerfile': 'FROM a',
}

const PROJECT: Tree = {
  name: 'shop',
  services: { web: { image: 'a' }, db: { image: 'd' } },
  networks: { front: {}, back: {} },
  volumes: { own: {} },
  secrets: { own: { file: './key' }, other: { file: './own.env' } },
  configs: { own: { file: './key' }, other: { file: './own.env' } },
}

/** What must stand around an attribute for it to be one: at the beginning of its path, or in the first service. */
const AROUND: Readonly<Record<string, Tree>> = {
  configs: { 'services.web.configs': ['own'] },
  networks: { 'services.web.networks': ['front'] },
  secrets: { 'services.web.secrets': ['own'] },
  volumes: { 'services.web.volumes': ['own:/v'] },
  ...within('services.web', {
    'blkio_config.weight_device.0': { path: '/dev/a', weight: 9 },
    'configs.0': { source: 'own' },
    'depends_on.db': { condition: 'service_started' },
    'deploy.resources.reservations.devices.0': { capabilities: ['gpu'] },
    'devices.0': { source: '/dev/a', target: '/dev/b' },
    'env_file.0': { path: './own.env' },
    'gpus.0': { capabilities: ['gpu'] },
    healthcheck: { test: ['CMD', 'true'] },
    'logging.options': { driver: 'json-file' },
    networks: { back: {}, front: {} },
    'ports.0': { target: 80, published: '8080' },
    'post_start.0': { command: ['a'] },
    'pre_start.0': { command: ['a'] },
    'pre_stop.0': { command: ['a'] },
    provider: { type: 'a' },
    'secrets.0': { source: 'own' },
    'ulimits.nofile': { soft: 1, hard: 2 },
    'volumes.0': { type: 'volume', source: 'own', target: '/v' },
  }),
  'services.web.volumes.0.bind': { 'services.web.volumes.0': { type: 'bind', source: '/a', target: '/v' } },
  'services.web.volumes.0.image': { 'services.web.volumes.0': { type: 'image', source: 'a', target: '/v' } },
  'services.web.volumes.0.source': { 'services.web.volumes.0': { type: 'volume', target: '/v' } },
  'services.web.volumes.0.tmpfs': { 'services.web.volumes.0': { type: 'tmpfs', target: '/v' } },
  'services.web.volumes.0.type': { 'services.web.volumes.0': { type: 'bind', source: '/a', target: '/v' } },
  ...Object.fromEntries(
    ['device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'].map(key => [
      `services.web.blkio_config.${key}`,
      { [`services.web.blkio_config.${key}.0`]: { path: '/dev/a', rate: 9 } },
    ]),
  ),
}

function within(prefix: string, values: Tree): Readonly<Record<string, Tree>> {
  return Object.fromEntries(
    Object.entries(values).map(([path, value]) => [`${prefix}.${path}`, { [`${prefix}.${path}`]: value }]),
  )
}

/** Values where one of the right kind would not do. */
const VALUES: Tree = {
  'configs.own.file': './other.env',
  'configs.own.labels': { a: 'b' },
  'networks.front.enable_ipv4': false,
  'networks.front.ipam.config.0.subnet': '10.9.0.0/24',
  'networks.front.ipam.config.0.aux_addresses': { a: '10.9.0.2' },
  'secrets.own.file': './other.env',
  'secrets.own.labels': { a: 'b' },
  'networks.front.attachable': false,
  'networks.front': { internal: true },
  'secrets.own.external.name': 'x',
  'volumes.own': { labels: { a: 'b' } },
  'volumes.own.external': true,
  ...Object.fromEntries(
    Object.entries({
      'blkio_config.weight': 300,
      cgroup: 'host',
      container_name: 'box',
      cpu_percent: 50,
      cpus: 0.5,
      'depends_on.db.condition': 'service_healthy',
      'depends_on.db.required': false,
      depends_on: ['db'],
      'deploy.endpoint_mode': 'vip',
      deploy: { replicas: 2 },
      build: './context',
      develop: { watch: [{ path: '.', action: 'rebuild' }] },
      'configs.0': { source: 'own', target: '/other' },
      'secrets.0': { source: 'own', target: '/other' },
      'configs.0.source': 'other',
      'secrets.0.source': 'other',
      'volumes.0': '/other',
      working_dir: '/other',
      networks: { front: { aliases: ['a'] } },
      'networks.front': { aliases: ['a'] },
      'deploy.mode': 'global',
      'deploy.placement.constraints': ['node.role == worker'],
      'deploy.placement.preferences.0.spread': 'node.labels.zone',
      'deploy.resources.reservations.devices.0.capabilities': ['gpu', 'utility'],
      'deploy.resources.reservations.devices.0.count': 2,
      'deploy.restart_policy.condition': 'none',
      'deploy.restart_policy.delay': '5s',
      'deploy.restart_policy.window': '5s',
      'deploy.rollback_config.delay': '5s',
      'deploy.rollback_config.failure_action': 'continue',
      'deploy.rollback_config.max_failure_ratio': 0.5,
      'deploy.rollback_config.monitor': '5s',
      'deploy.rollback_config.order': 'start-first',
      'deploy.update_config.delay': '5s',
      'deploy.update_config.failure_action': 'continue',
      'deploy.update_config.max_failure_ratio': 0.5,
      'deploy.update_config.monitor': '5s',
      'deploy.update_config.order': 'start-first',
      'deploy.resources.limits.cpus': '0.5',
      'deploy.resources.limits.memory': '64m',
      'deploy.resources.reservations.cpus': '0.5',
      'deploy.resources.reservations.memory': '64m',
      'devices.0.permissions': 'r',
      env_file: './own.env',
      'env_file.0.format': 'raw',
      'env_file.0': './other.env',
      'env_file.0.path': './other.env',
      expose: ['80'],
      extends: { file: './base.yaml', service: 'base' },
      'extends.file': './base.yaml',
      'extends.service': 'db',
      external_links: ['other'],
      extra_hosts: ['h=1.2.3.4'],
      gpus: 'all',
      'healthcheck.interval': '5s',
      'healthcheck.start_interval': '5s',
      'healthcheck.start_period': '5s',
      'healthcheck.timeout': '5s',
      'healthcheck.test': ['CMD', 'other'],
      init: true,
      ipc: 'host',
      label_file: './own.env',
      links: ['db:store'],
      mem_limit: '64m',
      mem_reservation: '64m',
      memswap_limit: '64m',
      network_mode: 'host',
      'networks.front.ipv4_address': '10.9.0.2',
      'networks.front.mac_address': '02:42:ac:11:00:02',
      mac_address: '02:42:ac:11:00:02',
      pid: 'host',
      platform: 'linux/amd64',
      'ports.0.mode': 'host',
      'ports.0.host_ip': '127.0.0.1',
      'ports.0.protocol': 'udp',
      'ports.0.published': '9090',
      'ports.0.target': 90,
      pull_policy: 'always',
      restart: 'always',
      'secrets.0.gid': '7',
      'secrets.0.uid': '7',
      'secrets.0.mode': '0400',
      'configs.0.gid': '7',
      'configs.0.uid': '7',
      'configs.0.mode': '0400',
      security_opt: ['no-new-privileges:true'],
      shm_size: '1m',
      stop_grace_period: '5s',
      tmpfs: ['/run'],
      'ulimits.nofile': 7,
      'ulimits.nofile.hard': 9,
      'ulimits.nofile.soft': 2,
      userns_mode: 'host',
      uts: 'host',
      'volumes.0.bind.create_host_path': true,
      'volumes.0.bind.propagation': 'rslave',
      'volumes.0.bind.recursive': 'disabled',
      'volumes.0.bind.selinux': 'z',
      'volumes.0.source': 'own',
      'volumes.0.target': '/w',
      'volumes.0.tmpfs.mode': 0o1777,
      'volumes.0.tmpfs.size': '1m',
      'volumes.0.type': 'tmpfs',
      volumes_from: ['db'],
    }).map(([path, value]) => [`services.web.${path}`, value]),
  ),
}

/** Where the content comes from: from one place alone. */
const INSTEAD = /^(configs|secrets)\.own\.(content|environment|file|external.*)$/

/** Every attribute of compose files, down to what has no parts with names. */
export function everySample(): readonly Sample[] {
  const paths = new Map(attributesOf(COMPOSE_SHAPE, []).map(({ path, shape }) => [path.join('.'), shape]))
  return [...paths].map(([path, shape]) => {
    const around = Object.entries(AROUND).filter(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))
    const sets = around.flatMap(([, given]) => Object.entries(given))
    const lacking = sets.reduce((tree, [at, value]) => set(tree, at.split('.'), value), PROJECT)
    const value = VALUES[path] ?? anyOf(shape)
    const [, section, key = ''] = INSTEAD.exec(path) ?? []
    const having =
      section === undefined
        ? set(lacking, path.split('.'), value)
        : set(lacking, [section, 'own'], set({}, key.split('.'), value))
    return { path, having: JSON.stringify(having), lacking: JSON.stringify(lacking) }
  })
}

interface Attribute {
  readonly path: readonly string[]
  readonly shape: Shape
}

/** What authors call their own: what stands in {@link PROJECT}. */
const NAMES: Readonly<Record<string, string>> = {
  services: 'web',
  depends_on: 'db',
  ulimits: 'nofile',
  networks: 'front',
}

function attributesOf(shape: Shape, path: readonly string[]): readonly Attribute[] {
  const own: readonly Attribute[] = [{ path, shape }]
  const inside = (next: Shape, key: string): readonly Attribute[] => {
    const found = attributesOf(next, [...path, key])
    return found.every(each => each.path.length === path.length + 1) ? own : found
  }
  switch (shape.kind) {
    case 'record':
      return Object.entries(shape.fields).flatMap(([key, field]) => attributesOf(field, [...path, key]))
    case 'dictionary':
      return inside(shape.value, NAMES[path.at(-1) ?? ''] ?? 'own')
    case 'list':
      return inside(shape.item, '0')
    case 'either':
      return shape.shapes.flatMap(each => attributesOf(each, path))
    default:
      return own
  }
}

function anyOf(shape: Shape): unknown {
  if (shape.kind === 'list') return ['x']
  if (shape.kind === 'dictionary') return { x: 'y' }
  if (shape.kind !== 'scalar') return 'x'
  if (shape.types.includes('boolean')) return true
  return shape.types.includes('integer') || shape.types.includes('number') ? 3 : 'x'
}

/** With `value` at `path`; a whole number as a key is an index. */
function set(at: unknown, [key = '', ...rest]: readonly string[], value: unknown): Tree {
  const inner = (at as Tree | undefined)?.[key]
  const next = rest.length === 0 ? value : set(inner, rest, value)
  if (!/^\d+$/.test(key)) return { ...(at as Tree | undefined), [key]: next }
  const list = Array.isArray(at) ? [...at] : []
  list[Number(key)] = next
  return list as unknown as Tree
}
