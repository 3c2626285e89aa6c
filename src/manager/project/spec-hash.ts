import { hashOf } from '../../core/digest.ts'
import type { ServiceSpec } from '../../core/model/service.ts'

/** The parts of a service's spec that make new tasks necessary when they change: neither its number nor how and in what order that is done. */
export function replacingParts(spec: ServiceSpec): Omit<ServiceSpec, 'replicas' | 'dependsOn' | 'update'> {
  const { replicas: _replicas, dependsOn: _dependsOn, update: _update, ...parts } = spec
  return parts
}

/** `salt` makes the hash another one although nothing changed: for a forced replacement. */
export function specHashOf(spec: ServiceSpec, salt?: string): string {
  return hashOf(salt === undefined ? replacingParts(spec) : { ...replacingParts(spec), salt })
}
