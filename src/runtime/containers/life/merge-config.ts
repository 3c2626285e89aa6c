import { errorMessage, invalidInput } from '../../../core/errors.ts'
import { withoutClusterLabels } from '../../../core/model/labels.ts'
import {
  type ContainerConfig,
  type ContainerCreateRequest,
  CREATE_SHAPES,
  type HealthConfig,
  readFields,
} from '../../../docker-api/index.ts'
import { configuredEnvironment } from '../spec/environment.ts'

/**
 * The configuration a container gets: the request's, with the image's where the request says nothing. Source: Docker.
 *
 * An entrypoint in the request hides the image's command too; `[""]` means no entrypoint. Throws 400 without a command, and
 * for an image whose configuration is not what it should be.
 */
export function mergeConfig(request: ContainerCreateRequest, given: ContainerConfig): ContainerConfig {
  const image = readImageConfig(given)
  const { HostConfig: host, NetworkingConfig: _, ...asked } = request
  const own = Object.fromEntries(Object.entries(asked).filter(([field]) => Object.hasOwn(CREATE_SHAPES, field)))
  const bound = Object.fromEntries(Object.keys(host?.PortBindings ?? {}).map(port => [withProtocol(port), {}]))
  const merged: ContainerConfig = {
    ...own,
    ...commandOf(request, image),
    User: pick(request.User, image.User),
    WorkingDir: pick(request.WorkingDir, image.WorkingDir),
    StopSignal: pick(request.StopSignal, image.StopSignal),
    Env: configuredEnvironment(request.Env ?? [], image.Env ?? []),
    // Whoever made the image cannot say what this container is to a cluster.
    Labels: { ...withoutClusterLabels(image.Labels), ...request.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...withProtocols(request.ExposedPorts), ...bound },
    Volumes: { ...image.Volumes, ...request.Volumes },
    ...healthOf(request.Healthcheck, image.Healthcheck),
  }
  if ((merged.Entrypoint ?? []).length + (merged.Cmd ?? []).length === 0) {
    throw invalidInput('NO_COMMAND', 'No command specified')
  }
  return merged
}

/** Whoever made the image wrote it: every field is looked at before it is used. */
function readImageConfig(given: ContainerConfig): ContainerConfig {
  try {
    return readFields(given, CREATE_SHAPES)
  } catch (error) {
    throw invalidInput('BAD_IMAGE_CONFIG', `The image's configuration cannot be used: ${errorMessage(error)}`)
  }
}

function commandOf(
  request: ContainerConfig,
  image: ContainerConfig,
): { Entrypoint: readonly string[] | null; Cmd: readonly string[] | null } {
  const own = request.Entrypoint ?? []
  const cmd = request.Cmd ?? []
  if (own.length === 0) {
    return { Entrypoint: image.Entrypoint ?? null, Cmd: cmd.length > 0 ? cmd : (image.Cmd ?? null) }
  }
  return { Entrypoint: own.length === 1 && own[0] === '' ? null : own, Cmd: cmd.length > 0 ? cmd : null }
}

function healthOf(own: HealthConfig | undefined, image: HealthConfig | undefined): { Healthcheck?: HealthConfig } {
  if (own === undefined && image === undefined) return {}
  if (own?.Test?.[0] === 'NONE') return { Healthcheck: own }
  const set = Object.fromEntries(
    Object.entries(own ?? {}).filter(([, value]) => !(value === 0 || (Array.isArray(value) && value.length === 0))),
  )
  const health: HealthConfig = { ...image, ...set }
  return (health.Test ?? []).length === 0 ? {} : { Healthcheck: health }
}

function pick(own: string | undefined, image: string | undefined): string {
  return own === undefined || own === '' ? (image ?? '') : own
}

function withProtocols(ports: Readonly<Record<string, object>> | undefined): Record<string, object> {
  return Object.fromEntries(Object.keys(ports ?? {}).map(port => [withProtocol(port), {}]))
}

function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`
}
