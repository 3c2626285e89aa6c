import { asList, asText, asTree, type Tree } from '../../../../compose/index.ts'
import type { HostConfig, MountRequest, PortBinding, RestartPolicy } from '../../../../docker-api/index.ts'

/** Finds the id or name of the container that `service:db` means; throws if there is none. */
export type ContainerOfService = (service: string) => string

/** What an engine alone can do for a container, from a service's canonical form: a cluster does it otherwise, or not at all. */
export function engineHostConfig(service: Tree, containerOf: ContainerOfService): HostConfig {
  const namespace = (key: string): string | undefined => namespaceMode(asText(service[key]), containerOf)
  const [pid, ipc] = [namespace('pid'), namespace('ipc')]
  const shared = asList(service['volumes_from']).map(entry => volumesFrom(asText(entry), containerOf))
  const bindings = portBindings(service)
  const storage = Object.entries(asTree(service['storage_opt'])).map(([key, value]) => [key, asText(value)])
  const restart = restartPolicy(service)
  const tmpfs = asList(service['tmpfs']).map(entry => splitOnce(asText(entry)))
  return {
    ...(restart === undefined ? {} : { RestartPolicy: restart }),
    ...(tmpfs.length === 0 ? {} : { Tmpfs: Object.fromEntries(tmpfs) }),
    ...(Object.keys(bindings).length === 0 ? {} : { PortBindings: bindings }),
    ...(pid === undefined ? {} : { PidMode: pid }),
    ...(ipc === undefined ? {} : { IpcMode: ipc }),
    ...(shared.length === 0 ? {} : { VolumesFrom: shared }),
    ...(storage.length === 0 ? {} : { StorageOpt: Object.fromEntries(storage) as Record<string, string> }),
  }
}

/** `service:db` as `container:<id>`; undefined: nothing was written. */
export function namespaceMode(written: string, containerOf: ContainerOfService): string | undefined {
  if (written === '') return undefined
  return written.startsWith('service:') ? `container:${containerOf(written.slice('service:'.length))}` : written
}

/** Services whose containers a service names as its own: for a namespace, or for their volumes. Pure. */
export function sharedServices(service: Tree): readonly string[] {
  const named: string[] = []
  const note: ContainerOfService = other => {
    named.push(other)
    return other
  }
  engineHostConfig(service, note)
  namespaceMode(asText(service['network_mode']), note)
  return [...new Set(named)]
}

/** `db:ro` is another service, `container:name:ro` a container outside of the project. */
function volumesFrom(entry: string, containerOf: ContainerOfService): string {
  if (entry.startsWith('container:')) return entry.slice('container:'.length)
  const [name = '', ...mode] = entry.split(':')
  return [containerOf(name), ...mode].join(':')
}

const CONDITIONS: Readonly<Record<string, RestartPolicy['Name']>> = {
  none: 'no',
  'on-failure': 'on-failure',
  any: 'always',
}

/** `restart` wins over `deploy.restart_policy`, as it does for docker compose. */
function restartPolicy(service: Tree): RestartPolicy | undefined {
  const [name = '', attempts] = asText(service['restart']).split(':')
  if (name === 'false') return { Name: 'no' }
  if (name !== '') {
    const Name = name as NonNullable<RestartPolicy['Name']>
    return { Name, ...(attempts === undefined ? {} : { MaximumRetryCount: Number(attempts) }) }
  }
  const policy = asTree(asTree(service['deploy'])['restart_policy'])
  if (Object.keys(policy).length === 0) return undefined
  const Name = CONDITIONS[asText(policy['condition']) || 'any'] ?? 'no'
  const retries = Number(asText(policy['max_attempts']))
  return { Name, ...(Name === 'on-failure' && retries > 0 ? { MaximumRetryCount: retries } : {}) }
}

/** `/run:size=1m` as path and options. */
function splitOnce(entry: string): readonly [string, string] {
  const [path = '', ...options] = entry.split(':')
  return [path, options.join(':')]
}

/** `80/tcp` of each port of a service. */
export function exposedPorts(service: Tree): Readonly<Record<string, object>> {
  return Object.fromEntries(asList(service['ports']).map(port => [portKey(asTree(port)), {}]))
}

function portBindings(service: Tree): Record<string, readonly PortBinding[]> {
  const bindings: Record<string, readonly PortBinding[]> = {}
  for (const entry of asList(service['ports'])) {
    const port = asTree(entry)
    const key = portKey(port)
    bindings[key] = [...(bindings[key] ?? []), { HostIp: asText(port['host_ip']), HostPort: asText(port['published']) }]
  }
  return bindings
}

function portKey(port: Tree): string {
  return `${asText(port['target'])}/${asText(port['protocol']) || 'tcp'}`
}

export interface SplitMounts {
  /** `source:target[:ro]`: what every engine has taken for ever, and of which it makes a source that is not there. */
  readonly binds: readonly string[]
  /** Volumes without a name. */
  readonly anonymous: readonly string[]
  readonly mounts: readonly MountRequest[]
}

/** Mounts as docker compose writes them: in the short form where that says it all. Pure. */
export function splitMounts(mounts: readonly MountRequest[]): SplitMounts {
  const binds: string[] = []
  const anonymous: string[] = []
  const others: MountRequest[] = []
  for (const mount of mounts) {
    const { Type, Source, Target, ReadOnly, BindOptions = {}, VolumeOptions = {} } = mount
    const { Propagation, CreateMountpoint, ...rest } = BindOptions
    const isShort = Type === 'bind' ? CreateMountpoint === true && Object.keys(rest).length === 0 : Type === 'volume'
    const options = [ReadOnly === true ? 'ro' : 'rw', ...(VolumeOptions.NoCopy === true ? ['nocopy'] : [])]
    const { Subpath, Labels } = VolumeOptions
    if (!isShort || Subpath !== undefined || Labels !== undefined) others.push(mount)
    else if (Source === undefined) anonymous.push(Target)
    else binds.push(`${Source}:${Target}:${[...options, ...(Propagation ? [Propagation] : [])].join(',')}`)
  }
  return { binds, anonymous, mounts: others }
}
