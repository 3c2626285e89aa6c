import { conflict, invalidInput, type ShoalError } from '../../core/errors.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import type { PortSpec, ProjectSpec, ServiceSpec } from '../../core/model/service.ts'
import type { Snapshot } from '../model/snapshot.ts'

const PROJECT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
const SERVICE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/
const REPLICAS_MAX = 10_000

/** Parses a placement constraint; throws a ShoalError that says what is wrong with it. */
export type CheckConstraint = (expression: string) => void

/** Refuses a project that could never run: bad names, references to nothing, ports that another service answers. */
export function validateProject(project: ProjectSpec, snapshot: Snapshot, checkConstraint: CheckConstraint): void {
  if (!PROJECT_NAME.test(project.name)) {
    throw bad('BAD_PROJECT_NAME', `Cannot use project name "${project.name}": use lower-case letters, digits, - and _`)
  }
  const twice = duplicate(project.services.map(service => service.name))
  if (twice !== undefined)
    throw bad('BAD_SERVICE_NAME', `Cannot apply project ${project.name}: service ${twice} is there twice`)
  for (const service of project.services) validateService(service, project, checkConstraint)
  if (snapshot.projects.get(project.name)?.value.removing?.volumes === true) {
    throw conflict(
      'PROJECT_REMOVING',
      `Cannot apply project ${project.name}: it is being taken down with its volumes; try again when that is done`,
    )
  }
  checkExternals(project, snapshot)
  checkPorts(project, snapshot)
}

function validateService(service: ServiceSpec, project: ProjectSpec, checkConstraint: CheckConstraint): void {
  const { name, replicas, constraints, container } = service
  const fail: Fail = (code, why) => {
    throw bad(code, `Cannot apply service ${name} of project ${project.name}: ${why}`)
  }
  if (!SERVICE_NAME.test(name)) fail('BAD_SERVICE_NAME', 'a service name is letters, digits and inner . _ -')
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > REPLICAS_MAX) {
    fail('BAD_REPLICAS', `replicas must be a whole number from 0 to ${REPLICAS_MAX}, and is ${replicas}`)
  }
  parseImageReference(container.image)
  for (const constraint of constraints) checkConstraint(constraint)
  if (service.spreadOver !== undefined) checkConstraint(`${service.spreadOver}==any`)
  if (service.mode === 'global' && replicas > 1) {
    fail('BAD_REPLICAS', 'it is global: every node that may have it has one, and no number of replicas can be set')
  }
  checkReferences(service, project, fail)
}

type Fail = (code: string, why: string) => never

function checkReferences({ dependsOn, networks: attached, container }: ServiceSpec, project: ProjectSpec, fail: Fail) {
  for (const dependency of dependsOn) {
    const known = project.services.some(other => other.name === dependency.service)
    if (dependency.required && !known) {
      fail('UNKNOWN_DEPENDENCY', `it depends on service ${dependency.service}, which is not in the project`)
    }
  }
  const networks = new Set(project.networks.map(network => network.name))
  const network = attached.find(attachment => !networks.has(attachment.network))
  if (network !== undefined) fail('UNKNOWN_NETWORK', `its network ${network.network} is not in the project`)
  const volumes = new Set(project.volumes.map(volume => volume.name))
  for (const { type, source } of container.mounts ?? []) {
    if (type === 'volume' && source !== undefined && !volumes.has(source)) {
      fail('UNKNOWN_VOLUME', `its volume ${source} is not in the project`)
    }
  }
}

function checkExternals(project: ProjectSpec, snapshot: Snapshot): void {
  for (const { name, external } of project.networks) {
    if (external && !snapshot.networks.has(name)) {
      throw bad(
        'NO_SUCH_NETWORK',
        `Cannot apply project ${project.name}: external network ${name} does not exist; create it first`,
      )
    }
  }
  for (const { name, external } of project.volumes) {
    const known = snapshot.volumes.get(name)
    if (external && known === undefined) {
      throw bad(
        'NO_SUCH_VOLUME',
        `Cannot apply project ${project.name}: external volume ${name} does not exist; create it first`,
      )
    }
    if (known?.value.removing === true) {
      const { node = '?' } = known.value
      const isDown = !snapshot.members.has(node)
      const what = isDown
        ? `which is down; bring it back, or give it up with \`swarm node rm --force ${node}\``
        : 'try again when that is done'
      throw conflict(
        'VOLUME_REMOVING',
        `Cannot apply project ${project.name}: volume ${name} is still being removed from node ${node}${isDown ? ', ' : '; '}${what}`,
      )
    }
  }
}

interface PortOwner {
  readonly project: string
  readonly service: string
}

/** An ingress port is answered on every host, so it can have one owner in the whole cluster. */
function checkPorts(project: ProjectSpec, snapshot: Snapshot): void {
  const owners = new Map<string, PortOwner>()
  for (const { value } of snapshot.services.values()) {
    const replaced = value.project === project.name && project.services.some(({ name }) => name === value.spec.name)
    if (replaced) continue
    for (const key of ingressPorts(value.spec)) owners.set(key, { project: value.project, service: value.spec.name })
  }
  for (const service of project.services) {
    for (const key of ingressPorts(service)) {
      const owner = owners.get(key)
      if (owner !== undefined) throw portTaken(project, service, { key, owner })
      owners.set(key, { project: project.name, service: service.name })
    }
  }
}

function portTaken(
  project: ProjectSpec,
  service: ServiceSpec,
  { key, owner }: { key: string; owner: PortOwner },
): ShoalError {
  const whose =
    owner.project === project.name ? `service ${owner.service}` : `service ${owner.service} of project ${owner.project}`
  return conflict(
    'PORT_TAKEN',
    `Cannot apply service ${service.name} of project ${project.name}: port ${key} is already published by ${whose}; choose another port`,
    { details: { port: key, project: owner.project, service: owner.service } },
  )
}

function ingressPorts(service: ServiceSpec): string[] {
  const isIngress = (port: PortSpec): boolean => port.mode === 'ingress' && port.published !== undefined
  return service.ports.filter(isIngress).map(port => `${port.published}/${port.protocol}`)
}

function duplicate(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index)
}

function bad(code: string, message: string): ShoalError {
  return invalidInput(code, message)
}
