import { asList, asText, asTree, type Project, type Tree } from '../../../../compose/index.ts'
import { hashOf } from '../../../../core/digest.ts'
import { conflict, notFound, ShoalError } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { PlanStep } from '../../../../core/model/control-api.ts'
import type { Engine, NetworkCreateRequest, NetworkInspect, VolumeCreateRequest } from '../../../../docker-api/index.ts'
import { LABELS_VERSION } from './labels-of.ts'

/** A network or volume that is to be made, or made anew. */
export interface ResourcePlan {
  readonly step: PlanStep
  readonly make: () => Promise<unknown>
  /** Containers that lose a network when it is made anew: their names by id. */
  readonly users?: ReadonlyMap<string, string>
  readonly warning?: string
}

interface Wish {
  readonly kind: 'network' | 'volume'
  readonly key: string
  readonly name: string
  readonly tree: Tree
}

interface Planning {
  readonly project: Project
  readonly engine: Engine
  /** Leave what is there as it is, whatever has changed: nobody would put containers on a network that is made anew. */
  readonly keep: boolean
}

/** What must be made of the networks and volumes of a project. Throws for an external one that is not there, and for one of others. */
export async function planResources(planning: Planning): Promise<readonly ResourcePlan[]> {
  const { project, engine } = planning
  const plans = await Promise.all([
    ...wishes(project, 'network').map(wish => planNetwork(wish, planning)),
    ...wishes(project, 'volume').map(wish => planVolume(wish, project, engine)),
  ])
  return plans.flat()
}

function wishes({ model }: Project, kind: 'network' | 'volume'): readonly Wish[] {
  return Object.entries(asTree(model[`${kind}s`])).map(([key, value]) => {
    const tree = asTree(value)
    return { kind, key, tree, name: asText(tree['name']) }
  })
}

function stepOf({ kind, name }: Wish, action: PlanStep['action']): PlanStep {
  return { action, kind, name, ...(action === 'update' ? { because: ['configuration'] } : {}) }
}

async function planNetwork(wish: Wish, { project, engine, keep }: Planning): Promise<readonly ResourcePlan[]> {
  const { key, name, tree } = wish
  const found = (await engine.networks.list({ filters: { name: [name] } })).find(({ Name }) => Name === name)
  if (tree['external'] === true) {
    if (found !== undefined || (await isNetwork(name, engine))) return []
    throw notFound('NO_SUCH_NETWORK', `network ${name} declared as external, but could not be found`)
  }
  const request = networkRequest(wish, project)
  const make = (): Promise<unknown> => engine.networks.create(request)
  if (found === undefined) return [{ step: stepOf(wish, 'create'), make }]
  const label = found.Labels?.[COMPOSE_LABELS.network] ?? ''
  if (label !== key || found.Labels?.[COMPOSE_LABELS.project] !== project.name) {
    const wrong = `incorrect label ${COMPOSE_LABELS.network} set to "${label}" (expected: "${key}")`
    throw conflict('FOREIGN_NETWORK', `network ${name} was found but has ${wrong}`)
  }
  const kept = { step: stepOf(wish, 'keep'), make: async () => {} }
  if (!differs(found, request)) return [kept]
  if (keep) return [{ ...kept, warning: `Network ${name} was changed in the files, and is kept as it is` }]
  const { Containers } = await engine.networks.inspect(found.Id)
  const users = new Map(Object.entries(Containers ?? {}).map(([id, { Name }]) => [id, Name]))
  return [{ step: stepOf(wish, 'update'), make: () => remake(found.Id, request, engine), users }]
}

/** Throws NETWORK_IN_USE where a network is to be made anew and somebody is on it who is not made anew, or removed, as well. */
export function requireUnused(resources: readonly ResourcePlan[], leaving: ReadonlySet<string>): void {
  for (const { step, users = new Map() } of resources) {
    const staying = [...users].flatMap(([id, name]) => (leaving.has(id) ? [] : [name]))
    if (staying.length === 0) continue
    const advice = 'Bring them up as well, or take them off it first'
    const message = `network ${step.name} was changed, and these containers are on it: ${staying.join(', ')}. ${advice}`
    throw conflict('NETWORK_IN_USE', message)
  }
}

async function isNetwork(id: string, engine: Engine): Promise<boolean> {
  return (await unlessMissing(engine.networks.inspect(id))) !== undefined
}

/** Of a network of docker-compose 1 nothing tells what it was made of: what can be compared is. */
function differs(found: NetworkInspect, request: NetworkCreateRequest): boolean {
  const hash = found.Labels?.[COMPOSE_LABELS.hash]
  if (hash !== undefined) return hash !== request.Labels?.[COMPOSE_LABELS.hash]
  return found.Driver !== (request.Driver ?? 'bridge') || found.Internal !== (request.Internal ?? false)
}

/** Whoever is on it is taken off; those containers are made anew anyway. */
async function remake(id: string, request: NetworkCreateRequest, engine: Engine): Promise<unknown> {
  const { Containers } = await engine.networks.inspect(id)
  for (const container of Object.keys(Containers ?? {}))
    await engine.networks.disconnect(id, container, { force: true })
  await engine.networks.remove(id)
  return engine.networks.create(request)
}

function networkRequest({ key, name, tree }: Wish, { name: project }: Project): NetworkCreateRequest {
  const ipam = ipamOf(asTree(tree['ipam']))
  const options = texts(tree['driver_opts'])
  return {
    Name: name,
    CheckDuplicate: true,
    ...(asText(tree['driver']) === '' ? {} : { Driver: asText(tree['driver']) }),
    ...(tree['internal'] === true ? { Internal: true } : {}),
    ...(tree['attachable'] === true ? { Attachable: true } : {}),
    ...(typeof tree['enable_ipv6'] === 'boolean' ? { EnableIPv6: tree['enable_ipv6'] } : {}),
    ...(typeof tree['enable_ipv4'] === 'boolean' ? { EnableIPv4: tree['enable_ipv4'] } : {}),
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
    ...(ipam === undefined ? {} : { IPAM: ipam }),
    Labels: { ...texts(tree['labels']), ...resourceLabels(COMPOSE_LABELS.network, key, { project, tree }) },
  }
}

function ipamOf(ipam: Tree): NetworkCreateRequest['IPAM'] | undefined {
  const driver = asText(ipam['driver'])
  const options = texts(ipam['options'])
  const config = asList(ipam['config']).map(entry => {
    const { subnet, gateway, ip_range: range, aux_addresses: aux } = asTree(entry)
    return {
      ...(subnet === undefined ? {} : { Subnet: asText(subnet) }),
      ...(gateway === undefined ? {} : { Gateway: asText(gateway) }),
      ...(range === undefined ? {} : { IPRange: asText(range) }),
      ...(aux === undefined ? {} : { AuxiliaryAddresses: texts(aux) }),
    }
  })
  if (driver === '' && config.length === 0 && Object.keys(options).length === 0) return undefined
  return {
    ...(driver === '' ? {} : { Driver: driver }),
    ...(config.length === 0 ? {} : { Config: config }),
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
  }
}

function resourceLabels(
  label: string,
  key: string,
  { project, tree }: { readonly project: string; readonly tree: Tree },
): Record<string, string> {
  return {
    [COMPOSE_LABELS.hash]: hashOf(tree),
    [label]: key,
    [COMPOSE_LABELS.project]: project,
    [COMPOSE_LABELS.version]: LABELS_VERSION,
  }
}

async function planVolume(wish: Wish, { name: project }: Project, engine: Engine): Promise<readonly ResourcePlan[]> {
  const { key, name, tree } = wish
  const found = await unlessMissing(engine.volumes.inspect(name))
  if (tree['external'] === true) {
    if (found !== undefined) return []
    throw notFound('NO_SUCH_VOLUME', `external volume "${name}" not found`)
  }
  if (found !== undefined) return [{ step: stepOf(wish, 'keep'), make: async () => {} }]
  const driver = asText(tree['driver'])
  const options = texts(tree['driver_opts'])
  const request: VolumeCreateRequest = {
    Name: name,
    ...(driver === '' ? {} : { Driver: driver }),
    ...(Object.keys(options).length === 0 ? {} : { DriverOpts: options }),
    Labels: { ...texts(tree['labels']), ...resourceLabels(COMPOSE_LABELS.volume, key, { project, tree }) },
  }
  return [{ step: stepOf(wish, 'create'), make: () => engine.volumes.create(request) }]
}

/** Undefined if the engine does not know it. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ShoalError && error.status === 404) return undefined
    throw error
  }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asTree(value)).map(([key, field]) => [key, asText(field)]))
}
