import { familiarImageName, parseImageReference } from '../../../core/image-reference.ts'
import type { DistributionInspect, RegistryAuth } from '../../../docker-api/index.ts'
import { parseConfig } from '../format/image-config.ts'
import { CONFIG_BYTES_MAX } from '../format/json.ts'
import { parseManifest } from '../format/manifest.ts'
import { isImage } from '../format/platform.ts'
import { endpointsOf, type RegistryOptions } from './endpoints.ts'
import { Repository } from './repository.ts'
import { RegistrySession } from './session.ts'

type Offered = DistributionInspect['Platforms'][number]

/** `GET /distribution/{name}/json`: asks the registry what it has under a name, and for which platforms. */
export async function inspectRemote(
  text: string,
  {
    registry,
    auth,
    signal,
  }: { readonly registry: RegistryOptions; readonly auth: RegistryAuth | undefined; readonly signal: AbortSignal },
): Promise<DistributionInspect> {
  const reference = parseImageReference(text)
  const { ways } = endpointsOf(reference, registry, 'push')[0]
  const scope = `repository:${reference.repository}:pull`
  using session = await RegistrySession.open(ways, { ...registry, scope, auth, signal })
  const remote = new Repository(session, { reference, name: familiarImageName(reference), action: 'pull' })
  const { bytes, digest, size, mediaType } = await remote.manifest(reference.digest ?? reference.tag ?? 'latest')
  const parsed = parseManifest(bytes, mediaType)
  if (parsed.kind === 'index') {
    const platforms = parsed.entries.filter(isImage).map(({ platform }) => offered(platform ?? {}))
    return { Descriptor: { mediaType, digest, size }, Platforms: platforms }
  }
  const config = parseConfig(await remote.smallBlob(parsed.manifest.config, CONFIG_BYTES_MAX))
  return { Descriptor: { mediaType: parsed.mediaType, digest, size }, Platforms: [offered(config)] }
}

function offered(platform: Partial<Offered>): Offered {
  const { architecture = '', os = '', variant } = platform
  const version = platform['os.version']
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
  }
}
