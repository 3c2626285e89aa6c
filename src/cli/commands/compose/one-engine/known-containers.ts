import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
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

export function isUp({ summary: { State } }: Known): boolean {
  return State === 'running' || State === 'paused' || State === 'restarting'
}

/** What the services of these containers depended on when they were made. */
export function dependenciesOf(containers: readonly Known[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    containers.map(({ service, summary }) => {
      const written = (summary.Labels[COMPOSE_LABELS.dependsOn] ?? '').split(',').filter(text => text !== '')
      return [service, written.map(text => text.split(':')[0] ?? '')] as const
    }),
  )
}
