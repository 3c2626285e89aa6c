import {
  type ContainerState,
  type ContainerSummary,
  type FilteredContainer,
  type Filters,
  passesContainerFilters,
} from '../../../docker-api/index.ts'
import type { ContainerRecord } from '../record.ts'

/** What filters look at. */
export interface Listed {
  readonly record: ContainerRecord
  readonly state: ContainerState
  readonly summary: ContainerSummary
}

export interface ListContext {
  /** Ids of the image that an `ancestor` value names, and of those made from it. */
  readonly imageIds: ReadonlyMap<string, readonly string[]>
  readonly find: (reference: string) => ContainerRecord
}

/** Whether a container passes Docker's filters. */
export function passesFilters(listed: Listed, filters: Filters, { imageIds, find }: ListContext): boolean {
  return passesContainerFilters(toFiltered(listed), filters, {
    imageIds,
    createdMsOf: reference => find(reference).createdMs,
  })
}

function toFiltered({ record, state, summary }: Listed): FilteredContainer {
  return {
    id: record.id,
    names: [record.name],
    labels: record.config.Labels ?? {},
    status: state.Status,
    exitCode: state.ExitCode,
    health: state.Health?.Status ?? 'none',
    imageName: record.imageName,
    imageId: record.imageId,
    createdMs: record.createdMs,
    networks: Object.entries(summary.NetworkSettings.Networks).map(([name, { NetworkID }]) => ({
      name,
      id: NetworkID,
    })),
    mounts: record.mounts.flatMap(({ point }) => [point.Name ?? '', point.Destination, point.Source]),
    ports: summary.Ports,
  }
}
