import { failed } from '../../core/errors.ts'
import type { ContainerStatus, ContainerSummary } from '../../docker-api/index.ts'

/**
 * A line of a list with nothing in it that could surprise whoever reads it. Old engines leave fields out, or say null; liars say
 * anything. Throws BAD_ANSWER for one without a name.
 */
export function checkedSummary(summary: ContainerSummary): ContainerSummary {
  const {
    Names,
    Ports,
    Mounts,
    HostConfig,
    NetworkSettings,
    State,
    Details: _details,
    ...rest
  } = summary as Partial<ContainerSummary>
  if (!Array.isArray(Names) || !Names.every(name => typeof name === 'string')) {
    throw failed('BAD_ANSWER', 'The engine lists a container without a name')
  }
  const networks = Object.entries(NetworkSettings?.Networks ?? {})
  return {
    ...rest,
    Id: summary.Id,
    Names,
    Command: text(rest.Command),
    Created: amount(rest.Created),
    Image: text(rest.Image),
    ImageID: text(rest.ImageID),
    State: State === undefined || State === null ? 'running' : checkedStatus(State),
    Status: text(rest.Status),
    Labels: checkedLabels(rest.Labels),
    Ports: Array.isArray(Ports) ? Ports.filter(isObject) : [],
    Mounts: Array.isArray(Mounts) ? Mounts.filter(isObject) : [],
    HostConfig: { NetworkMode: text(HostConfig?.NetworkMode) || 'default' },
    NetworkSettings: { Networks: Object.fromEntries(networks.filter(([, network]) => isObject(network))) },
  }
}

const STATUSES: readonly unknown[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] satisfies ContainerStatus[]

/** Any other word counts as a container that does not run, and may have its ports all the same. */
export function checkedStatus(status: unknown): ContainerStatus {
  return STATUSES.includes(status) ? (status as ContainerStatus) : 'created'
}

/** Those that are text; labels are looked at by everybody. */
export function checkedLabels(labels: unknown): Readonly<Record<string, string>> {
  if (!isObject(labels)) return {}
  const entries = Object.entries(labels as object)
  // Nearly always as it is: nothing is made anew for it.
  if (entries.every(([, value]) => typeof value === 'string')) return labels as Readonly<Record<string, string>>
  return Object.fromEntries(entries.filter(([, value]) => typeof value === 'string')) as Readonly<
    Record<string, string>
  >
}

/** A number that can be added up and compared: what is none is 0. */
export function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
