import { PLACES } from './host-paths.ts'
import type { Scene } from './step.ts'
import { dockerEntries } from './steps/docker-config.ts'
import type { WishedFile } from './wish.ts'

/** What the host keeps of who provisioned it; `installed` are packages that are about to be. */
export function ownerFile(scene: Scene, installed: readonly string[] = []): WishedFile {
  const { facts, wish } = scene
  const all = [...new Set([...(facts.owner.installed ?? []), ...installed])].toSorted()
  const { name, id } = wish.machine
  const owner = {
    machine: name,
    ...(id === undefined ? {} : { id }),
    cluster: wish.cluster,
    installed: all,
    docker: dockerEntries(scene),
  }
  return { path: PLACES.owner, mode: '644', content: `${JSON.stringify(owner)}\n` }
}
