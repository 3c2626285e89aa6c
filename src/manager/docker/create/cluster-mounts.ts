import { conflict } from '../../../core/errors.ts'
import type { ContainerRequest } from '../../../scheduler/index.ts'
import type { Snapshot, StoredVolume } from '../../model/snapshot.ts'
import type { NodeEngine } from '../nodes.ts'

/** The volumes that the cluster keeps for projects. */
export interface ClusterVolumes {
  readonly volumes: () => Snapshot['volumes']
  /** Ties those that nothing has used yet to a node. Throws 409 `VOLUME_ELSEWHERE`. */
  readonly pinVolumes: (names: readonly string[], node: string) => Promise<void>
}

/**
 * What a container asks of its node so that it finds the data of the cluster's volumes that it mounts: any other node would make
 * an empty volume of the same name. Throws 409 `VOLUME_AWAY` if the node that has the data is down.
 */
export function volumeConstraints(
  asked: ContainerRequest,
  { volumes }: ClusterVolumes,
  ready: readonly NodeEngine[],
): readonly string[] {
  return mountedOf(asked, volumes()).flatMap(({ name, node }) => {
    if (node === undefined) return []
    if (ready.some(each => each.name === node)) return [`node==${node}`]
    throw conflict(
      'VOLUME_AWAY',
      `Cannot create the container: its volume ${name} is on node ${node}, which is down; try again when it is back`,
    )
  })
}

/** Makes the cluster's volumes on a node as their project describes them, if they are not there: an engine makes plain ones. */
export async function ensureVolumes(
  asked: ContainerRequest,
  { volumes }: ClusterVolumes,
  { engine }: NodeEngine,
): Promise<void> {
  for (const { name, driver, driverOptions, labels } of mountedOf(asked, volumes())) {
    await engine.volumes.create({ Name: name, Driver: driver, DriverOpts: driverOptions, Labels: labels })
  }
}

/** Those that a container on a node mounts and that are not tied to the node: nothing had used them, or somebody else was faster. */
export function untied(asked: ContainerRequest, { volumes }: ClusterVolumes, { name }: NodeEngine): readonly string[] {
  return mountedOf(asked, volumes()).flatMap(volume => (volume.node === name ? [] : [volume.name]))
}

function mountedOf({ volumes = [] }: ContainerRequest, known: Snapshot['volumes']): readonly StoredVolume[] {
  return volumes.flatMap(name => known.get(name)?.value ?? [])
}
