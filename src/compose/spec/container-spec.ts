import { parseDuration } from '../../core/duration.ts'
import type { ContainerSpec, HealthCheckSpec, MountSpec } from '../../core/model/service.ts'
import { durationMs } from '../canonical/scalars.ts'
import type { SourceIndex } from '../source-index.ts'
import { asList, asText, asTree, isTree, type Tree } from '../tree.ts'
import { engineOptions, hasTmpfsOptions } from './engine-options.ts'
import type { ShippedFiles } from './shipped-files.ts'
import { bytes, flag, hostLines, present, some, strings, text, textsOf, ulimits } from './values.ts'

export interface Names {
  readonly project: string
  /** Cluster-wide names by the key in the file. */
  readonly volumes: ReadonlyMap<string, string>
  readonly files: Pick<ShippedFiles, 'filesOf'>
  readonly sources: Pick<SourceIndex, 'isLocalBind'>
}

/** The name of the image a service runs: its own, or the one its build is tagged with. */
export function imageName(project: string, name: string, service: Tree): string {
  return typeof service['image'] === 'string' ? service['image'] : `${project}-${name}`
}

/** How the containers of a service are made, from its canonical form. */
export function containerSpec(name: string, service: Tree, names: Names): ContainerSpec {
  return {
    image: imageName(names.project, name, service),
    ...present({
      command: strings(service['command']),
      entrypoint: strings(service['entrypoint']),
      environment: textsOf(service['environment']),
      hostname: text(service['hostname']),
      domainname: text(service['domainname']),
      user: text(service['user']),
      workingDir: text(service['working_dir']),
      labels: textsOf(service['labels']),
      mounts: mounts(service, names),
      files: some(names.files.filesOf(name, service)),
      healthcheck: healthcheck(service['healthcheck']),
      stopSignal: text(service['stop_signal']),
      stopGraceMs: durationMs(service['stop_grace_period']),
      init: flag(service['init']),
      tty: flag(service['tty']),
      stdinOpen: flag(service['stdin_open']),
      readOnly: flag(service['read_only']),
      privileged: flag(service['privileged']),
      capAdd: some(strings(service['cap_add'])),
      capDrop: some(strings(service['cap_drop'])),
      extraHosts: some(hostLines(service['extra_hosts'])),
      dns: some(strings(service['dns'])),
      sysctls: textsOf(service['sysctls']),
      ulimits: ulimits(service['ulimits']),
      logging: logging(service['logging']),
      networkMode: networkMode(service['network_mode']),
      shmSizeBytes: bytes(service['shm_size']),
      expose: some(asList(service['expose']).flatMap(entry => portsOf(asText(entry)))),
      pullPolicy: pullPolicy(service['pull_policy']),
      pullAfterMs: pullAfterMs(asText(service['pull_policy'])),
      engine: engineOptions(service),
    }),
  }
}

function mounts(service: Tree, names: Names): readonly MountSpec[] | undefined {
  const volumes = asList(service['volumes'])
    .map(asTree)
    .filter(({ type, source }) => type !== 'bind' || !names.sources.isLocalBind(asText(source)))
    .map(volume => mount(volume, names))
  const tmpfs = asList(service['tmpfs'])
    .map(asText)
    .filter(entry => !hasTmpfsOptions(entry))
    .map(tmpfsMount)
  const all = [...volumes, ...tmpfs]
  return all.length === 0 ? undefined : all
}

function mount(volume: Tree, { volumes }: Names): MountSpec {
  const type = volume['type'] === 'bind' || volume['type'] === 'tmpfs' ? volume['type'] : 'volume'
  const written = text(volume['source'])
  const source = type === 'volume' && written !== undefined ? (volumes.get(written) ?? written) : written
  return {
    type,
    target: asText(volume['target']),
    ...present({
      source: type === 'tmpfs' ? undefined : source,
      readOnly: volume['read_only'] === true ? true : undefined,
      sizeBytes: bytes(asTree(volume['tmpfs'])['size']),
      ...mountOptions(volume),
    }),
  }
}

function mountOptions(volume: Tree): Partial<MountSpec> {
  const bind = asTree(volume['bind'])
  const { nocopy, subpath, labels } = asTree(volume['volume'])
  const mode = asTree(volume['tmpfs'])['mode']
  return present({
    propagation: text(bind['propagation']),
    createSource: volume['type'] === 'bind' && bind['create_host_path'] === true ? true : undefined,
    recursive: text(bind['recursive']),
    noCopy: nocopy === true ? true : undefined,
    subpath: text(subpath),
    labels: textsOf(labels),
    mode: typeof mode === 'number' ? mode : mode === undefined ? undefined : Number.parseInt(asText(mode), 8),
  })
}

/** `3000-3002/udp` names three. */
function portsOf(entry: string): readonly string[] {
  const [range = '', protocol = 'tcp'] = entry.split('/')
  const [first = 0, last = first] = range.split('-').map(Number)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => `${first + index}/${protocol}`)
}

function pullPolicy(value: unknown): ContainerSpec['pullPolicy'] {
  return value === 'always' || value === 'never' ? value : undefined
}

/** `daily`, `weekly`, `every_12h`. */
function pullAfterMs(policy: string): number | undefined {
  const interval = PULL_INTERVALS[policy] ?? /^every_(.+)$/.exec(policy)?.[1]
  return interval === undefined ? undefined : parseDuration(interval)
}

const PULL_INTERVALS: Readonly<Record<string, string>> = { daily: '1d', weekly: '1w' }

/** `/run:size=64m,ro`: only the size and read-only mean something here. */
function tmpfsMount(entry: string): MountSpec {
  const [target = '', options = ''] = entry.split(':')
  const size = /(?:^|,)size=(\d+)([kmg]?)/i.exec(options)
  const unit = 1024 ** ' kmg'.indexOf((size?.[2] ?? '').toLowerCase() || ' ')
  return {
    type: 'tmpfs',
    target,
    ...(size === null ? {} : { sizeBytes: Number(size[1]) * unit }),
    ...(options.split(',').includes('ro') ? { readOnly: true } : {}),
  }
}

function healthcheck(value: unknown): HealthCheckSpec | undefined {
  if (!isTree(value)) return undefined
  if (value['disable'] === true) return { test: ['NONE'] }
  const retries = Number(value['retries'])
  return {
    test: asList(value['test']).map(asText),
    ...present({
      intervalMs: durationMs(value['interval']),
      timeoutMs: durationMs(value['timeout']),
      startPeriodMs: durationMs(value['start_period']),
      startIntervalMs: durationMs(value['start_interval']),
      retries: Number.isInteger(retries) ? retries : undefined,
    }),
  }
}

function logging(value: unknown): ContainerSpec['logging'] {
  if (!isTree(value)) return undefined
  return { driver: text(value['driver']) ?? 'json-file', options: textsOf(value['options']) ?? {} }
}

function networkMode(value: unknown): ContainerSpec['networkMode'] {
  return value === 'none' || value === 'host' ? value : undefined
}
