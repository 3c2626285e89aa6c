import type { Readable } from 'node:stream'
import type { BuildOptions } from '../build-types.ts'
import type { ProgressMessage } from '../resource-types.ts'
import { readProgress } from './streams.ts'
import type { Transport } from './transport.ts'

/** Pulls and steps of a build may be silent for long before the first byte. */
const ANSWER_MS_MAX = 600_000

export interface BuildCall {
  readonly context: Readable
  readonly options: BuildOptions
  readonly onProgress: (message: ProgressMessage) => void
  readonly signal: AbortSignal
}

/** `POST /build`: resolves with the image's id. */
export async function buildImage(
  transport: Transport,
  { context, options, onProgress, signal }: BuildCall,
): Promise<string> {
  const call = {
    method: 'POST',
    path: `/build?${buildQuery(options).toString()}`,
    body: context,
    contentType: 'application/x-tar',
    headers: {
      ...jsonHeader('x-registry-config', options.registryAuths),
      ...jsonHeader('x-build-secrets', options.secrets),
    },
    signal,
    responseMs: ANSWER_MS_MAX,
  }
  // The image's id: the whole one in `aux`, or the beginning of it in an old builder's last words.
  let [whole, short] = ['', '']
  await readProgress(await transport.send(call), message => {
    onProgress(message)
    const id = message.aux?.['ID']
    if (typeof id === 'string') whole = id
    short = /^Successfully built (\S+)/.exec(message.stream ?? '')?.[1] ?? short
  })
  return whole === '' ? short : whole
}

function jsonHeader(name: string, value: object | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: Buffer.from(JSON.stringify(value)).toString('base64url') }
}

function buildQuery(options: BuildOptions): URLSearchParams {
  const { hostConfig = {}, keepContainers } = options
  const query = new URLSearchParams(options.tags.map(tag => ['t', tag]))
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) query.set(name, String(value))
  }
  set('dockerfile', options.dockerfile)
  set('buildargs', JSON.stringify(options.buildArgs))
  set('labels', JSON.stringify(options.labels))
  set('target', options.target)
  set('nocache', options.noCache ? 1 : undefined)
  set('pull', options.pull ? 1 : undefined)
  set('remote', options.remote)
  set('platform', options.platform)
  set('cachefrom', options.cacheFrom === undefined ? undefined : JSON.stringify(options.cacheFrom))
  set('rm', keepContainers === 'always' ? 0 : 1)
  set('forcerm', keepContainers === undefined ? 1 : undefined)
  set('memory', hostConfig.Memory)
  set('memswap', hostConfig.MemorySwap)
  set('cpushares', hostConfig.CpuShares)
  set('cpuperiod', hostConfig.CpuPeriod)
  set('cpuquota', hostConfig.CpuQuota)
  set('cpusetcpus', hostConfig.CpusetCpus)
  set('cpusetmems', hostConfig.CpusetMems)
  set('cgroupparent', hostConfig.CgroupParent)
  set('networkmode', hostConfig.NetworkMode)
  set('shmsize', hostConfig.ShmSize)
  set('ulimits', hostConfig.Ulimits ? JSON.stringify(hostConfig.Ulimits) : undefined)
  for (const host of hostConfig.ExtraHosts ?? []) query.append('extrahosts', host)
  return query
}
