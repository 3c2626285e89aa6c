import { conflict } from '../../core/errors.ts'
import type { PortSpec, ProjectSpec, ServiceSpec } from '../../core/model/service.ts'
import type { Snapshot } from '../model/snapshot.ts'

type Range = NonNullable<PortSpec['range']>

/** Swarm mode's. */
const ANY: Range = { first: 30_000, last: 32_767 }

/**
 * Gives a number to every ingress port that came without one: the one it had before, else the lowest that is free in
 * its range, or in swarm mode's if it has none. So applying the same project again changes nothing. Throws `NO_FREE_PORT`.
 */
export function resolvePorts(project: ProjectSpec, snapshot: Snapshot): ProjectSpec {
  const used = new Set<string>()
  const note = (service: ServiceSpec): void => {
    for (const port of service.ports) if (port.published !== undefined) used.add(`${port.published}/${port.protocol}`)
  }
  for (const { value } of snapshot.services.values()) note(value.spec)
  for (const service of project.services) note(service)
  const before = (name: string): readonly PortSpec[] =>
    snapshot.services.get(`${project.name}.${name}`)?.value.spec.ports ?? []
  const services = project.services.map(service => ({
    ...service,
    ports: service.ports.map(port => resolve(port, before(service.name), service, used)),
  }))
  return { ...project, services }
}

function resolve(port: PortSpec, before: readonly PortSpec[], service: ServiceSpec, used: Set<string>): PortSpec {
  if (port.mode !== 'ingress' || port.published !== undefined) return port
  const { range = ANY, target, protocol } = port
  const same = before.find(
    old => old.mode === 'ingress' && old.target === target && old.protocol === protocol && isOneOf(range, old),
  )
  if (same?.published !== undefined) return { ...port, published: same.published }
  for (let published = range.first; published <= range.last; published++) {
    const key = `${published}/${protocol}`
    if (used.has(key)) continue
    used.add(key)
    return { ...port, published }
  }
  throw conflict(
    'NO_FREE_PORT',
    `Cannot publish port ${target} of service ${service.name}: ports ${range.first} to ${range.last} are all taken; name one`,
  )
}

/** Chosen, and from the same range: a number that was asked for is nobody's to keep. */
function isOneOf({ first, last }: Range, { published = 0, range = ANY }: PortSpec): boolean {
  return range.first === first && range.last === last && published >= first && published <= last
}
