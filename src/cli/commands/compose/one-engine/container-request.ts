import { asList, asText, asTree, type Project, type Tree } from '../../../../compose/index.ts'
import type { ProjectSpec, ServiceSpec } from '../../../../core/model/service.ts'
import {
  type ContainerCreateRequest,
  type EndpointConfig,
  type MountRequest,
  toServiceRequest,
} from '../../../../docker-api/index.ts'
import { type ContainerOfService, engineHostConfig, exposedPorts, namespaceMode, splitMounts } from './host-config.ts'

/** A service as one engine is to run it. */
export interface EngineService {
  readonly project: Project
  readonly spec: ProjectSpec
  readonly service: ServiceSpec
  /** Its canonical form. */
  readonly model: Tree
}

export interface RequestOptions {
  /** Name of the container. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Of other services, that this one shares something with. */
  readonly containerOf: ContainerOfService
  /** Containers of the project that links may lead to, by service. */
  readonly namesOf: (service: string) => readonly string[]
  /** Volumes without a name of the container that this one takes the place of: their names by what they are mounted at. */
  readonly inherited?: ReadonlyMap<string, string>
  /** Whether it answers to its service's names. */
  readonly useAliases: boolean
}

/** A container, and the networks that it joins besides the first before it is started. */
export interface ContainerPlan {
  readonly request: ContainerCreateRequest
  readonly joins: readonly (readonly [network: string, endpoint: EndpointConfig])[]
}

/** What docker compose asks an engine for where a service needs a container. Pure. */
export function containerPlan(
  { project, spec, service, model }: EngineService,
  options: RequestOptions,
): ContainerPlan {
  const base = toServiceRequest(service, text => text)
  const { Mounts = [], PortBindings: _ports, RestartPolicy: _policy, ...host } = base.HostConfig ?? {}
  const own = engineHostConfig(model, options.containerOf)
  const split = splitMounts(Mounts.filter(({ Target }) => own.Tmpfs?.[Target] === undefined))
  const mounts = [...split.mounts, ...fileMounts(project, model)]
  const binds = [...split.binds, ...inheritedBinds(split.anonymous, options)]
  const endpoints = endpointsOf({ project, spec, service, model }, options)
  const mode = namespaceMode(asText(model['network_mode']), options.containerOf)
  const [first, ...joins] = mode === undefined ? endpoints : []
  const mac = asText(model['mac_address'])
  const exposed = { ...base.ExposedPorts, ...exposedPorts(model) }
  return {
    request: {
      ...base,
      Image: service.container.image,
      Labels: { ...service.container.labels, ...options.labels },
      ...(mac === '' ? {} : { MacAddress: mac }),
      ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
      ...(split.anonymous.length === 0 ? {} : { Volumes: Object.fromEntries(split.anonymous.map(path => [path, {}])) }),
      HostConfig: {
        ...host,
        ...own,
        NetworkMode: mode ?? first?.[0] ?? 'none',
        ...(binds.length === 0 ? {} : { Binds: binds }),
        ...(mounts.length === 0 ? {} : { Mounts: mounts }),
      },
      ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first[0]]: first[1] } } }),
    },
    joins,
  }
}

function inheritedBinds(anonymous: readonly string[], { inherited = new Map() }: RequestOptions): readonly string[] {
  return [...inherited].flatMap(([target, name]) => (anonymous.includes(target) ? [`${name}:${target}:rw`] : []))
}

/** Secrets and configs that are files of this machine. */
function fileMounts({ model: project }: Project, service: Tree): readonly MountRequest[] {
  return grantsOf(service).flatMap(({ kind, grant, target }) => {
    const file = asText(asTree(asTree(project[`${kind}s`])[asText(grant['source'])])['file'])
    return file === '' ? [] : [{ Type: 'bind', Source: file, Target: target, ReadOnly: true }]
  })
}

export interface Grant {
  readonly kind: 'secret' | 'config'
  readonly grant: Tree
  readonly target: string
}

/** The secrets and configs that a service names, and where in the container they lie. Pure. */
export function grantsOf(service: Tree): readonly Grant[] {
  return (['secret', 'config'] as const).flatMap(kind =>
    asList(service[`${kind}s`])
      .map(asTree)
      .map((grant): Grant => {
        const target = asText(grant['target']) || asText(grant['source'])
        const folder = kind === 'secret' ? '/run/secrets/' : '/'
        return { kind, grant, target: target.startsWith('/') ? target : `${folder}${target}` }
      }),
  )
}

/** The networks of a container, the one that leads out first. */
function endpointsOf(
  { project, service, model }: EngineService,
  options: RequestOptions,
): readonly (readonly [string, EndpointConfig])[] {
  const networks = asTree(project.model['networks'])
  const byName = new Map(
    Object.entries(asTree(model['networks'])).map(([key, config]) => {
      return [asText(asTree(networks[key])['name']) || key, asTree(config)] as const
    }),
  )
  const links = linksOf(model, options, project)
  return service.networks.map(({ network }, index) => {
    const config = byName.get(network) ?? {}
    const written = asList(config['aliases']).map(asText)
    const aliases = options.useAliases ? [options.name, service.name, ...written] : [options.name]
    return [
      network,
      {
        Aliases: [...new Set(aliases)],
        ...(links.length > 0 && index === 0 ? { Links: links } : {}),
        ...addressesOf(config),
      },
    ] as const
  })
}

function addressesOf(config: Tree): EndpointConfig {
  const [v4, v6, mac] = ['ipv4_address', 'ipv6_address', 'mac_address'].map(key => asText(config[key]))
  const local = asList(config['link_local_ips']).map(asText)
  const driver = Object.entries(asTree(config['driver_opts'])).map(([key, value]) => [key, asText(value)])
  const addresses = {
    ...(v4 ? { IPv4Address: v4 } : {}),
    ...(v6 ? { IPv6Address: v6 } : {}),
    ...(local.length === 0 ? {} : { LinkLocalIPs: local }),
  }
  return {
    ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
    ...(mac ? { MacAddress: mac } : {}),
    ...(driver.length === 0 ? {} : { DriverOpts: Object.fromEntries(driver) as Record<string, string> }),
  }
}

/** `links` and `external_links`: other names for containers, that only this one knows. */
function linksOf(model: Tree, { namesOf }: RequestOptions, { name: project }: Project): readonly string[] {
  const own = asList(model['links']).flatMap(entry => {
    const [service = '', alias = service] = asText(entry).split(':')
    return namesOf(service).flatMap((name, index) => {
      const numbered = `${service}-${index + 1}`
      return [alias, numbered, `${project}-${numbered}`].map(known => `${name}:${known}`)
    })
  })
  const outside = asList(model['external_links']).map(entry => {
    const [name = '', alias = name] = asText(entry).split(':')
    return `${name}:${alias}`
  })
  return [...own, ...outside]
}
