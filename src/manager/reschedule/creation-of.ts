import type {
  ContainerCreateRequest,
  ContainerInspect,
  EndpointConfig,
  EndpointSettings,
  HostConfig,
} from '../../docker-api/index.ts'

/** What a container can be made anew from. */
export interface Creation {
  readonly request: ContainerCreateRequest
  /** Networks besides the one it is made on, by name. */
  readonly networks: Readonly<Record<string, EndpointConfig>>
}

const SHORT_ID_CHARS = 12
/** Modes that name no network that a container could be given an endpoint on. */
const NO_NETWORK = /^(?:default|bridge|host|none|container:.*)?$/

/**
 * How to make a container like this one. What its engine chose for it is left to the next one: a host name that is its
 * id, addresses that nobody asked for, aliases that are its id. `nanoCpus` are those of its node. Source: classic Swarm (cluster/watchdog.go).
 */
export function creationOf({ Id, Config, HostConfig, NetworkSettings }: ContainerInspect, nanoCpus: number): Creation {
  const shortId = Id.slice(0, SHORT_ID_CHARS)
  const { Hostname, ...config } = Config
  const mode = HostConfig.NetworkMode ?? ''
  const endpoints = Object.entries(NetworkSettings.Networks ?? {}).map(
    ([network, settings]) => [network, endpointOf(settings, shortId)] as const,
  )
  const first = endpoints.find(([network]) => network === mode)
  const others = NO_NETWORK.test(mode) ? endpoints.filter(([network]) => !NO_NETWORK.test(network)) : endpoints
  return {
    request: {
      ...config,
      ...(Hostname === undefined || Hostname === shortId ? {} : { Hostname }),
      HostConfig: { ...HostConfig, ...clusterShares(HostConfig, nanoCpus) },
      ...(first === undefined || NO_NETWORK.test(mode)
        ? {}
        : { NetworkingConfig: { EndpointsConfig: Object.fromEntries([first]) } }),
    },
    networks: Object.fromEntries(others.filter(([network]) => network !== mode)),
  }
}

/** An engine's shares are parts of 1024 of all its CPUs; the cluster's are CPUs (cluster/swarm/cluster.go). */
function clusterShares({ CpuShares = 0 }: HostConfig, nanoCpus: number): Pick<HostConfig, 'CpuShares'> {
  return CpuShares <= 0 ? {} : { CpuShares: Math.round((CpuShares * nanoCpus) / (1_024 * 1e9)) }
}

function endpointOf({ IPAMConfig, Links, Aliases, DriverOpts }: EndpointSettings, shortId: string): EndpointConfig {
  const aliases = (Aliases ?? []).filter(alias => alias !== shortId)
  return {
    ...(IPAMConfig === undefined || IPAMConfig === null ? {} : { IPAMConfig }),
    ...(Links === undefined || Links === null ? {} : { Links }),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(DriverOpts === undefined || DriverOpts === null ? {} : { DriverOpts }),
  }
}
