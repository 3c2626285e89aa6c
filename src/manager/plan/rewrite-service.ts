import type { ServiceRecord } from '../../core/model/task.ts'
import type { Action } from '../model/action.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { withPartsOf } from '../project/spec-hash.ts'
import type { Intent } from './intent.ts'

type Rewrite = Extract<Action, { do: 'rewrite-service' }>

/**
 * Makes what a service was before its last change what it is to be: its tasks are made as they were then, and there are as many,
 * in the same order and for the same reasons, as the change says. The project says so too, or the next change of anything in it
 * would bring back what failed.
 */
export function rollBack(
  { id, project: name }: ServiceRecord,
  { because, printed }: Extract<Intent, { want: 'roll-back' }>,
  { snapshot, nowMs }: { readonly snapshot: Snapshot; readonly nowMs: number },
): Rewrite | undefined {
  const before = snapshot.services.get(id)
  if (before === undefined) return undefined
  const { previous, rollsBackTo, ...kept } = before.value
  if (previous === undefined || rollsBackTo === undefined) return undefined
  const spec = withPartsOf(previous, kept.spec)
  const rolledBack = { because, atMs: nowMs, ...(printed.length === 0 ? {} : { printed }) }
  const service = { ...kept, spec, specHash: rollsBackTo, previous: kept.spec, rolledBack, updatedAtMs: nowMs }
  const project = snapshot.projects.get(name)
  if (project === undefined) return { do: 'rewrite-service', before, service, because }
  const services = project.value.services.map(each => (each.name === spec.name ? spec : each))
  return {
    do: 'rewrite-service',
    before,
    service,
    project: { before: project, value: { ...project.value, services } },
    because,
  }
}

/** From now on its failures are no reason to take the change back. */
export function endUpdate({ id }: ServiceRecord, snapshot: Snapshot): Rewrite | undefined {
  const before = snapshot.services.get(id)
  if (before === undefined) return undefined
  const { rollsBackTo: _proved, ...service } = before.value
  return { do: 'rewrite-service', before, service, because: 'its update is done' }
}
