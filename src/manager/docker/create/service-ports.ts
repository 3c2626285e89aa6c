import type { ServiceRecord } from '../../../core/model/task.ts'
import { type ClusterView, ingressPortsOf } from '../../../scheduler/index.ts'
import type { Snapshot } from '../../model/snapshot.ts'

/** The ports that services have on every node, which a container made by hand cannot have on any. */
export class ServicePorts {
  readonly #view: ClusterView
  #seen: Snapshot['services'] = new Map()

  constructor(view: ClusterView) {
    this.#view = view
  }

  /** Takes over which services there are. */
  look(services: Snapshot['services']): void {
    if (services === this.#seen) return
    for (const [key, { value }] of this.#seen) {
      if (services.get(key)?.value === value) continue
      for (const port of ingressPortsOf(value.spec)) this.#view.freePort(port, holderOf(value))
    }
    for (const [key, { value }] of services) {
      if (this.#seen.get(key)?.value === value) continue
      for (const port of ingressPortsOf(value.spec)) this.#view.takePort(port, holderOf(value))
    }
    this.#seen = services
  }
}

function holderOf({ project, spec }: ServiceRecord): string {
  return `service ${project}/${spec.name}`
}
