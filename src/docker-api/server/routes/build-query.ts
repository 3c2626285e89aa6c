import type { IncomingHttpHeaders } from 'node:http'
import { invalidInput, unsupported } from '../../../core/errors.ts'
import type { BuildHostConfig, BuildOptions } from '../../build-types.ts'
import type { RegistryAuth } from '../../resource-types.ts'
import { jsonHeader, type Query } from '../request.ts'

/**
 * Reads what `POST /build` asks for. Everything that Docker knows is read or refused by name; what it does not know is
 * ignored, as it does. `session` and `buildid` only name what a client calls the build.
 */
export function readBuildOptions(query: Query, headers: IncomingHttpHeaders): BuildOptions {
  refuseOthers(query)
  const hostConfig = readHostConfig(query)
  const keepContainers = keptContainers(query)
  const registryAuths = jsonHeader(headers['x-registry-config'], 'X-Registry-Config') as
    | Record<string, RegistryAuth>
    | undefined
  const secrets = jsonHeader(headers['x-build-secrets'], 'X-Build-Secrets') as Record<string, string> | undefined
  const cacheFrom = query.list('cachefrom').map(String)
  return {
    tags: query.all('t'),
    dockerfile: query.text('dockerfile') ?? 'Dockerfile',
    buildArgs: query.strings('buildargs'),
    labels: query.strings('labels'),
    noCache: query.flag('nocache'),
    pull: query.flag('pull'),
    ...given('target', query.text('target')),
    ...given('remote', query.text('remote')),
    ...given('platform', query.text('platform')),
    ...(cacheFrom.length === 0 ? {} : { cacheFrom }),
    ...(Object.keys(hostConfig).length === 0 ? {} : { hostConfig }),
    ...given('keepContainers', keepContainers),
    ...given('registryAuths', registryAuths),
    ...given('secrets', secrets),
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [N in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [N in K]: V })
}

function refuseOthers(query: Query): void {
  const version = query.text('version') ?? '1'
  const isBuildKit = version === '2' || query.text('remote') === 'client-session'
  if (isBuildKit || query.list('outputs').length > 0) {
    throw unsupported(
      'NO_BUILDKIT',
      'BuildKit is not supported: set DOCKER_BUILDKIT=0 to build with the classic builder',
    )
  }
  if (version !== '1') throw invalidInput('BAD_QUERY', `invalid version ${JSON.stringify(version)}`)
  if (query.flag('squash')) throw invalidInput('NO_SQUASH', 'squash is only supported with experimental mode')
  if (query.all('securityopt').length > 0) {
    const why = 'The daemon on this platform does not support setting security options on build'
    throw invalidInput('NO_SECURITY_OPTIONS', `${why} (securityopt)`)
  }
  const isolation = query.text('isolation') ?? 'default'
  if (isolation !== 'default') {
    throw invalidInput('BAD_QUERY', `Unsupported isolation: ${JSON.stringify(isolation)}`)
  }
}

function readHostConfig(query: Query): BuildHostConfig {
  const ulimits = query.list('ulimits') as NonNullable<BuildHostConfig['Ulimits']>
  const extraHosts = query.all('extrahosts')
  const all: BuildHostConfig = {
    ...given('Memory', query.integer('memory')),
    ...given('MemorySwap', query.integer('memswap')),
    ...given('CpuShares', query.integer('cpushares')),
    ...given('CpuPeriod', query.integer('cpuperiod')),
    ...given('CpuQuota', query.integer('cpuquota')),
    ...given('CpusetCpus', query.text('cpusetcpus')),
    ...given('CpusetMems', query.text('cpusetmems')),
    ...given('CgroupParent', query.text('cgroupparent')),
    ...given('NetworkMode', query.text('networkmode')),
    ...given('ShmSize', query.integer('shmsize')),
    ...(extraHosts.length === 0 ? {} : { ExtraHosts: extraHosts }),
    ...(ulimits.length === 0 ? {} : { Ulimits: ulimits }),
  }
  // Docker's clients write 0 for what nobody said.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0))
}

/** `rm` is on unless it is said to be off, and says nothing about a step that failed: that is `forcerm`. */
function keptContainers(query: Query): BuildOptions['keepContainers'] {
  if (query.flag('forcerm')) return undefined
  return query.flag('rm', true) ? 'failed' : 'always'
}
