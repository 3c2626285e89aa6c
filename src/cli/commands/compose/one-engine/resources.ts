import { asText, asTree, type Project } from '../../../../compose/index.ts'
import { conflict, notFound, ShoalError } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { PlanStep } from '../../../../core/model/control-api.ts'
import type { Engine, NetworkCreateRequest, NetworkInspect, VolumeCreateRequest } from '../../../../docker-api/index.ts'
import { networkRequest, volumeRequest, type Wish } from './resource-requests.ts'

/** What is to become of a network or volume; `replace`: one that is there and was changed in the files. */
export type ResourcePlan = { readonly step: PlanStep; readonly warning?: string } & (
  | { readonly does: 'nothing' }
  | { readonly does: 'create-network'; readonly request: NetworkCreateRequest }
  | { readonly does: 'replace-network'; readonly request: NetworkCreateRequest; readonly old: NetworkInspect }
  | { readonly does: 'create-volume'; readonly request: VolumeCreateRequest }
)

/** What an engine has of the networks and volumes that a project names, by their names. */
export interface ResourcesThere {
  /** With the containers on them. */
  readonly networks: ReadonlyMap<string, NetworkInspect>
  readonly volumes: ReadonlySet<string>
}

/** Looks for what a project names. */
export async function findResources({ model }: Project, engine: Engine): Promise<ResourcesThere> {
  const names = (kind: Wish['kind']): readonly string[] => wishesFor(model, kind).map(({ name }) => name)
  const [networks, volumes] = await Promise.all([
    Promise.all(names('network').map(async name => [name, await findNetwork(name, engine)] as const)),
    Promise.all(names('volume').map(async name => [name, await unlessMissing(engine.volumes.inspect(name))] as const)),
  ])
  return {
    networks: new Map(networks.flatMap(([name, found]) => (found === undefined ? [] : [[name, found] as const]))),
    volumes: new Set(volumes.flatMap(([name, found]) => (found === undefined ? [] : [name]))),
  }
}

/** By its name, or by its id, which may stand in a file for one that is external. */
async function findNetwork(name: string, engine: Engine): Promise<NetworkInspect | undefined> {
  const found = (await engine.networks.list({ filters: { name: [name] } })).find(({ Name }) => Name === name)
  return unlessMissing(engine.networks.inspect(found?.Id ?? name))
}

function wishesFor(model: Project['model'], kind: Wish['kind']): readonly Wish[] {
  return Object.entries(asTree(model[`${kind}s`])).map(([key, value]) => {
    const tree = asTree(value)
    return { kind, key, tree, name: asText(tree['name']) }
  })
}

interface Planning {
  readonly there: ResourcesThere
  /** Leave what is there as it is, whatever has changed: nobody would put containers on a network that is made anew. */
  readonly keep: boolean
}

/** What must be made of the networks and volumes of a project. Pure; throws for an external one that is not there, and for one of others. */
export function planResources({ model, name }: Project, planning: Planning): readonly ResourcePlan[] {
  return [
    ...wishesFor(model, 'network').flatMap(wish => planNetwork(wish, name, planning)),
    ...wishesFor(model, 'volume').flatMap(wish => planVolume(wish, name, planning)),
  ]
}

function stepOf({ kind, name }: Wish, action: PlanStep['action']): PlanStep {
  return { action, kind, name, ...(action === 'update' ? { because: ['configuration'] } : {}) }
}

function planNetwork(wish: Wish, project: string, { there, keep }: Planning): readonly ResourcePlan[] {
  const { key, name, tree } = wish
  const found = there.networks.get(name)
  if (tree['external'] === true) {
    if (found !== undefined) return []
    throw notFound('NO_SUCH_NETWORK', `network ${name} declared as external, but could not be found`)
  }
  const request = networkRequest(wish, project)
  if (found?.Name !== name) return [{ step: stepOf(wish, 'create'), does: 'create-network', request }]
  const label = found.Labels?.[COMPOSE_LABELS.network] ?? ''
  if (label !== key || found.Labels?.[COMPOSE_LABELS.project] !== project) {
    const wrong = `incorrect label ${COMPOSE_LABELS.network} set to "${label}" (expected: "${key}")`
    throw conflict('FOREIGN_NETWORK', `network ${name} was found but has ${wrong}`)
  }
  const kept = { step: stepOf(wish, 'keep'), does: 'nothing' } as const
  if (!differs(found, request)) return [kept]
  if (keep) return [{ ...kept, warning: `Network ${name} was changed in the files, and is kept as it is` }]
  return [{ step: stepOf(wish, 'update'), does: 'replace-network', request, old: found }]
}

/** Of a network of docker-compose 1 nothing tells what it was made of: what can be compared is. */
function differs(found: NetworkInspect, request: NetworkCreateRequest): boolean {
  const hash = found.Labels?.[COMPOSE_LABELS.hash]
  if (hash !== undefined) return hash !== request.Labels?.[COMPOSE_LABELS.hash]
  return found.Driver !== (request.Driver ?? 'bridge') || found.Internal !== (request.Internal ?? false)
}

/** Throws NETWORK_IN_USE where a network is to be made anew and somebody is on it who is not made anew, or removed, as well. Pure. */
export function requireUnused(resources: readonly ResourcePlan[], leaving: ReadonlySet<string>): void {
  for (const resource of resources) {
    if (resource.does !== 'replace-network') continue
    const users = Object.entries(resource.old.Containers ?? {})
    const staying = users.flatMap(([id, { Name }]) => (leaving.has(id) ? [] : [Name]))
    if (staying.length === 0) continue
    const advice = 'Bring them up as well, or take them off it first'
    const message = `network ${resource.step.name} was changed, and these containers are on it: ${staying.join(', ')}. ${advice}`
    throw conflict('NETWORK_IN_USE', message)
  }
}

function planVolume(wish: Wish, project: string, { there }: Planning): readonly ResourcePlan[] {
  const { name, tree } = wish
  const isThere = there.volumes.has(name)
  if (tree['external'] === true) {
    if (isThere) return []
    throw notFound('NO_SUCH_VOLUME', `external volume "${name}" not found`)
  }
  if (isThere) return [{ step: stepOf(wish, 'keep'), does: 'nothing' }]
  return [{ step: stepOf(wish, 'create'), does: 'create-volume', request: volumeRequest(wish, project) }]
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
