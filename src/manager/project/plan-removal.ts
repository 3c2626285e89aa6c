import type { PlanStep } from '../../core/model/control-api.ts'
import type { Snapshot } from '../model/snapshot.ts'

/** What taking a project down removes: its services, then its networks, and its volumes if asked. */
export function removalSteps(project: string, snapshot: Snapshot, { volumes }: { volumes: boolean }): PlanStep[] {
  const own = <T extends { readonly value: { readonly project: string } }>(records: ReadonlyMap<string, T>): T[] =>
    [...records.values()].filter(({ value }) => value.project === project)
  const step = (kind: PlanStep['kind'], name: string): PlanStep => ({ action: 'remove', kind, name })
  // A volume that was never used is on no node.
  const awaited = (node: string | undefined): Pick<PlanStep, 'awaitedNode'> =>
    node === undefined || snapshot.members.has(node) ? {} : { awaitedNode: node }
  return [
    ...own(snapshot.services).map(({ value }) => step('service', value.spec.name)),
    ...own(snapshot.networks).map(({ value }) => step('network', value.name)),
    ...(volumes
      ? own(snapshot.volumes).map(({ value }) => ({ ...step('volume', value.name), ...awaited(value.node) }))
      : []),
  ]
}
