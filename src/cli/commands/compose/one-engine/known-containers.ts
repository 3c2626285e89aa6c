import { conflict, type ShoalError } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { DependencyCondition } from '../../../../core/model/service.ts'
import type { ContainerSummary, Engine } from '../../../../docker-api/index.ts'

/** A container of a project on one engine, as its labels tell. */
export interface Known {
  readonly id: string
  readonly name: string
  readonly service: string
  readonly number: number
  readonly hash: string
  readonly isOneOff: boolean
  readonly summary: ContainerSummary
}

/** The containers of a project, running or not, by service and number. */
export async function knownContainers(engine: Engine, project: string): Promise<readonly Known[]> {
  const found = await engine.containers.list({
    all: true,
    filters: { label: [`${COMPOSE_LABELS.project}=${project}`] },
  })
  return found.map(known).toSorted(byNumber)
}

export function byNumber(a: Known, b: Known): number {
  return a.service === b.service ? a.number - b.number : a.service < b.service ? -1 : 1
}

export function known(summary: ContainerSummary): Known {
  const { Id, Names, Labels } = summary
  return {
    id: Id,
    name: (Names[0] ?? Id).replace(/^\//, ''),
    service: Labels[COMPOSE_LABELS.service] ?? '',
    number: Number(Labels[COMPOSE_LABELS.number] ?? 1),
    hash: Labels[COMPOSE_LABELS.hash] ?? '',
    isOneOff: Labels[COMPOSE_LABELS.oneOff] === 'True',
    summary,
  }
}

/** Replicas: what `run` has made is none. */
export function replicasOf(containers: readonly Known[], service?: string): readonly Known[] {
  return containers.filter(each => !each.isOneOff && (service === undefined || each.service === service))
}

/** Of containers that are to share what is one's of another service. */
export function noneToShare(service: string): ShoalError {
  return conflict('NO_CONTAINER_TO_SHARE', `There is no container of service ${service} to share with: start it first`)
}

export function isUp({ summary: { State } }: Known): boolean {
  return State === 'running' || State === 'paused' || State === 'restarting'
}

/** What a container's label tells of a dependency. */
export interface KnownDependency {
  readonly service: string
  readonly condition: DependencyCondition
  /** It restarts with what it needs. */
  readonly restarts: boolean
}

/** What a container's service depended on when it was made: `db:service_healthy:true,cache`. */
export function dependenciesIn({ summary }: Known): readonly KnownDependency[] {
  const written = (summary.Labels[COMPOSE_LABELS.dependsOn] ?? '').split(',').filter(text => text !== '')
  return written.map(text => {
    const [service = '', condition = 'service_started', restarts] = text.split(':')
    return { service, condition: condition as DependencyCondition, restarts: restarts === 'true' }
  })
}

/** The same of all of them, by service. */
export function dependenciesOf(containers: readonly Known[]): ReadonlyMap<string, readonly string[]> {
  return new Map(containers.map(each => [each.service, dependenciesIn(each).map(({ service }) => service)]))
}
