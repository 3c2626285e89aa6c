import type { ProjectSpec, ServiceSpec } from '../../core/model/service.ts'
import { type Snapshot, serviceId } from '../model/snapshot.ts'
import { differences } from './differences.ts'
import { replacingParts } from './spec-hash.ts'

export interface Replaced {
  /** What differs, in words of a compose file. */
  readonly changed: readonly string[]
  /** That, or what else makes new tasks necessary; empty: nothing does. */
  readonly because: readonly string[]
  /** Its spec may be as it was, and its tasks are to look different all the same. */
  readonly anew: boolean
}

/** What becomes of each known service: replaced because it changed, by force, or with a service it is to be restarted with. */
export function replacedServices(
  desired: ProjectSpec,
  snapshot: Snapshot,
  forced: true | readonly string[],
): ReadonlyMap<string, Replaced> {
  const specs = new Map(desired.services.map(spec => [spec.name, spec]))
  const known = new Map<string, Replaced>()
  const look = (spec: ServiceSpec): Replaced => {
    const found = known.get(spec.name)
    if (found !== undefined) return found
    const before = snapshot.services.get(serviceId(desired.name, spec.name))?.value.spec
    const changed = before === undefined ? [] : differences(replacingParts(before), replacingParts(spec))
    // Stands while its dependencies are looked at: a circle of them ends here.
    known.set(spec.name, { changed, because: changed, anew: false })
    const isForced = forced === true || forced.includes(spec.name)
    const others = spec.dependsOn.flatMap(({ service, restart }) =>
      restart === true ? (specs.get(service) ?? []) : [],
    )
    const with_ = others.filter(other => look(other).because.length > 0).map(({ name }) => `${name} is replaced`)
    const because = changed.length > 0 ? changed : isForced ? ['forced'] : with_
    const replaced = { changed, because: before === undefined ? [] : because, anew: isForced || changed.length === 0 }
    known.set(spec.name, replaced)
    return replaced
  }
  for (const spec of desired.services) look(spec)
  return known
}
