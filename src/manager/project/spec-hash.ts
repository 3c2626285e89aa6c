import { hashOf } from '../../core/digest.ts'
import type { ServiceSpec } from '../../core/model/service.ts'

/** Its number, how and in what order it is replaced, what it is called: nothing that its tasks are made from. */
type Surroundings = 'replicas' | 'replicasPerNode' | 'spreadOver' | 'labels' | 'dependsOn' | 'update'

/** The parts of a service's spec that make new tasks necessary when they change. */
export function replacingParts(spec: ServiceSpec): Omit<ServiceSpec, Surroundings> {
  const { replicas: _1, replicasPerNode: _2, spreadOver: _3, labels: _4, dependsOn: _5, update: _6, ...parts } = spec
  return parts
}

/** `salt` makes the hash another one although nothing changed: for a forced replacement. */
export function specHashOf(spec: ServiceSpec, salt?: string): string {
  return hashOf(salt === undefined ? replacingParts(spec) : { ...replacingParts(spec), salt })
}
