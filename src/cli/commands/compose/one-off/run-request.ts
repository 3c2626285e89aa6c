import { resolve } from 'node:path'
import { shellWords } from '../../../../compose/index.ts'
import { errorMessage, invalidInput, unsupported } from '../../../../core/errors.ts'
import { fillFields } from '../../../../core/fill-fields.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { CONSTRAINTS_LABEL } from '../../../../core/model/labels.ts'
import type { ProjectSpec, ServiceSpec } from '../../../../core/model/service.ts'
import { type ContainerCreateRequest, type HostConfig, toServiceRequest } from '../../../../docker-api/index.ts'
import type { CommandContext, Options } from '../../../command.ts'
import { labelsOf, readVariables } from '../../container/create/read-lines.ts'
import { type Ports, readPorts } from '../../container/create/read-ports.ts'
import type { ContainerPlan } from '../one-engine/container-request.ts'

export interface OneOff {
  readonly project: ProjectSpec
  readonly service: ServiceSpec
  /** What the container is called. */
  readonly name: string
  /** 64 hexadecimal digits that are this container's alone. */
  readonly slug: string
  readonly hash: string
  /** Instead of the service's; empty: the service's. */
  readonly command: readonly string[]
  readonly tty: boolean
  readonly interactive: boolean
  /** On one engine: how it is asked for a replica. */
  readonly plan?: ((service: ServiceSpec, once: OnceMade) => ContainerPlan) | undefined
}

/** What a container that runs once has otherwise than a replica. */
export interface OnceMade {
  readonly name: string
  readonly withPorts: boolean
}

type Around = Pick<CommandContext, 'env' | 'cwd'>

/** The container that `compose run` makes of a service: as its replicas are, but for what the flags say. Throws BAD_FLAG. */
export function runRequest(oneOff: OneOff, options: Options, around: Around): ContainerPlan {
  const { service } = oneOff
  refuseFiles(service)
  const once = bare(oneOff, options, around)
  const made = oneOff.plan?.(once, { name: oneOff.name, withPorts: options.flag('servicePorts') })
  const base = made?.request ?? toServiceRequest(once, text => fill(text, oneOff))
  const written = readPorts(options.list('publish'), [])
  const ports = made === undefined ? withServicePorts(written, service, options) : written
  const volumes = readVolumes(oneOff.project, options.list('volume'), around)
  const attached = !options.flag('detach')
  const request = {
    ...base,
    OpenStdin: oneOff.interactive,
    StdinOnce: oneOff.interactive && attached,
    AttachStdin: oneOff.interactive && attached,
    AttachStdout: attached,
    AttachStderr: attached,
    Tty: oneOff.tty,
    Labels: { ...base.Labels, ...oneOffLabels(oneOff), ...labelsOf(options, '-l, --label') },
    ExposedPorts: { ...base.ExposedPorts, ...ports.exposed },
    ...volumesOf(base, volumes.anonymous),
    HostConfig: {
      ...base.HostConfig,
      ...(Object.keys(ports.bindings).length === 0
        ? {}
        : { PortBindings: { ...base.HostConfig?.PortBindings, ...ports.bindings } }),
      ...mountsOf(base, volumes),
      ...(options.flag('rm') ? { AutoRemove: true } : {}),
    },
    ...(made === undefined ? networking(service, options) : {}),
  }
  return { request, joins: made?.joins ?? [] }
}

function volumesOf({ Volumes }: ContainerCreateRequest, anonymous: readonly string[]): ContainerCreateRequest {
  return anonymous.length === 0
    ? {}
    : { Volumes: { ...Volumes, ...Object.fromEntries(anonymous.map(path => [path, {}])) } }
}

/** What the flags mount stands in for what the service mounts at the same place. */
function mountsOf({ HostConfig: { Binds, Mounts } = {} }: ContainerCreateRequest, volumes: Volumes): HostConfig {
  const targets = new Set([...volumes.binds.map(targetOf), ...volumes.anonymous])
  if (targets.size === 0) return {}
  const binds = [...(Binds ?? []).filter(bind => !targets.has(targetOf(bind))), ...volumes.binds]
  return {
    ...(binds.length === 0 ? {} : { Binds: binds }),
    ...(Mounts === undefined ? {} : { Mounts: Mounts.filter(({ Target }) => !targets.has(Target)) }),
  }
}

function targetOf(bind: string): string {
  return bind.split(':')[1] ?? ''
}

/** Nodes put them into replicas only. Throws RUN_WITH_FILES. */
function refuseFiles({ name, container: { files = [] } }: ServiceSpec): void {
  const [first] = files
  if (first === undefined) return
  throw unsupported(
    'RUN_WITH_FILES',
    `Cannot run a container of service ${name} by itself: it needs the ${first.kind} ${first.name}, which only its replicas get; use \`compose exec\``,
  )
}

/** The service with what the flags say instead: it runs once, and publishes nothing by itself. */
function bare({ service, command }: OneOff, options: Options, around: Around): ServiceSpec {
  const { container } = service
  const entrypoint = entrypointOf(options.text('entrypoint'))
  const [user, workingDir] = [options.text('user'), options.text('workdir')]
  const list = (name: string): readonly string[] => options.list(name === 'envFile' ? 'envFromFile' : name)
  const variables = readVariables({ ...options, list }, around).map((line): [string, string] => {
    const [key = '', ...value] = line.split('=')
    return [key, value.join('=')]
  })
  const added = (own: readonly string[] | undefined, flag: string): readonly string[] => [
    ...(own ?? []),
    ...options.list(flag),
  ]
  const [capAdd, capDrop] = [added(container.capAdd, 'capAdd'), added(container.capDrop, 'capDrop')]
  const { command: ownCommand, ...rest } = container
  const shown = command.length > 0 ? command : entrypoint === undefined ? ownCommand : undefined
  return {
    ...service,
    ports: [],
    restart: { condition: 'none' },
    container: {
      ...rest,
      ...(shown === undefined ? {} : { command: shown }),
      ...(entrypoint === undefined ? {} : { entrypoint }),
      ...(user === undefined ? {} : { user }),
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(capAdd.length === 0 ? {} : { capAdd }),
      ...(capDrop.length === 0 ? {} : { capDrop }),
      environment: { ...container.environment, ...Object.fromEntries(variables) },
    },
  }
}

function entrypointOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  try {
    return shellWords(text)
  } catch (error) {
    throw invalidInput('BAD_FLAG', `Cannot read --entrypoint: ${errorMessage(error)}`)
  }
}

function fill(text: string, { service, name }: OneOff): string {
  return fillFields(text, { '.Service.Name': service.name, '.Task.Slot': '1', '.Task.Name': name })
}

/** Every replica of a service is told apart by labels; so is what runs once. */
function oneOffLabels({ project, service, slug, hash }: OneOff): Record<string, string> {
  const { workingDir, configFiles } = project
  const { labels = {}, imageId } = service.container
  return {
    ...labels,
    [COMPOSE_LABELS.project]: project.name,
    [COMPOSE_LABELS.service]: service.name,
    [COMPOSE_LABELS.number]: '1',
    [COMPOSE_LABELS.oneOff]: 'True',
    [COMPOSE_LABELS.slug]: slug,
    [COMPOSE_LABELS.hash]: hash,
    ...(imageId === undefined ? {} : { [COMPOSE_LABELS.image]: imageId }),
    ...(workingDir === undefined ? {} : { [COMPOSE_LABELS.workingDir]: workingDir }),
    ...(configFiles === undefined ? {} : { [COMPOSE_LABELS.configFiles]: configFiles.join(',') }),
    ...(service.constraints.length === 0 ? {} : { [CONSTRAINTS_LABEL]: JSON.stringify(service.constraints) }),
  }
}

function withServicePorts({ exposed, bindings }: Ports, service: ServiceSpec, options: Options): Ports {
  if (!options.flag('servicePorts')) return { exposed, bindings }
  for (const { target, published, protocol, hostIp } of service.ports) {
    const key = `${target}/${protocol}`
    exposed[key] = {}
    const HostPort = published === undefined ? '' : String(published)
    bindings[key] = [...(bindings[key] ?? []), { ...(hostIp === undefined ? {} : { HostIp: hostIp }), HostPort }]
  }
  return { exposed, bindings }
}

interface Volumes {
  readonly binds: readonly string[]
  /** Without a name: where they are mounted. */
  readonly anonymous: readonly string[]
}

/** `[source:]target[:mode]`; a source may be a volume of the project by its name in the file. */
function readVolumes(project: ProjectSpec, texts: readonly string[], { cwd }: Around): Volumes {
  const binds: string[] = []
  const anonymous: string[] = []
  for (const text of texts) {
    const [source = '', target, ...rest] = text.split(':')
    if (!(target ?? source).startsWith('/') || source === '' || rest.length > 1) {
      const expected = 'expected [SOURCE:]TARGET[:MODE] with an absolute path in the container'
      throw invalidInput('BAD_FLAG', `Cannot read volume "${text}": ${expected}`)
    }
    if (target === undefined) anonymous.push(source)
    else binds.push([sourceOf(source, project, cwd), target, ...rest].join(':'))
  }
  return { binds, anonymous }
}

function sourceOf(source: string, { volumes }: ProjectSpec, cwd: string): string {
  if (/^[./]/.test(source)) return resolve(cwd, source)
  return volumes.find(({ key }) => key === source)?.name ?? source
}

/** It answers to its service's names only if that is asked for: else it would get the replicas' visitors. */
function networking(service: ServiceSpec, options: Options): Pick<ContainerCreateRequest, 'NetworkingConfig'> {
  if (service.container.networkMode !== undefined || service.networks.length === 0) return {}
  const endpoints = service.networks.map(({ network, aliases }) => {
    const config = options.flag('useAliases') ? { Aliases: [service.name, ...aliases] } : {}
    return [network, config] as const
  })
  return { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) } }
}
