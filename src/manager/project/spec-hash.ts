import { hashOf } from '../../core/digest.ts'
import type { ServiceSpec } from '../../core/model/service.ts'

/** Its number, how and in what order it is replaced, what it is called: nothing that its tasks are made from. */
type Surroundings = 'replicas' | 'replicasPerNode' | 'spreadOver' | 'labels' | 'dependsOn' | 'update' | 'rollback'

/** Total, so that one that is added cannot be forgotten here. */
const SURROUNDINGS: Readonly<Record<Surroundings, true>> = {
  replicas: true,
  replicasPerNode: true,
  spreadOver: true,
  labels: true,
  dependsOn: true,
  update: true,
  rollback: true,
}

/** The parts of a service's spec that make new tasks necessary when they change. */
export function replacingParts(spec: ServiceSpec): Omit<ServiceSpec, Surroundings> {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !(key in SURROUNDINGS))) as typeof spec
}

/** A spec whose tasks are made as those of `before`, with everything else as in `spec`. */
export function withPartsOf(before: ServiceSpec, spec: ServiceSpec): ServiceSpec {
  const around = Object.entries(spec).filter(([key]) => key in SURROUNDINGS)
  return { ...replacingParts(before), ...(Object.fromEntries(around) as Pick<ServiceSpec, Surroundings>) }
}

/** `salt` makes the hash another one although nothing changed: for a forced replacement. */
export function specHashOf(spec: ServiceSpec, salt?: string): string {
  return hashOf(salt === undefined ? replacingParts(spec) : { ...replacingParts(spec), salt })
}
