/** Labels by which a cluster knows its containers again. Whoever may write labels may write these too. */
export const TASK_LABEL = 'shoal.task.id'
/** Kept by a container for its life, whatever node it is on (classic Swarm). */
export const SWARM_ID_LABEL = 'com.docker.swarm.id'
/** A JSON list: `["on-node-failure"]` (classic Swarm). */
export const RESCHEDULE_LABEL = 'com.docker.swarm.reschedule-policies'
/** A container's PlacementRecord, as JSON. */
export const PLACEMENT_LABEL = 'shoal.placement'
/** What was asked of a container's node, each a JSON list (classic Swarm). */
export const CONSTRAINTS_LABEL = 'com.docker.swarm.constraints'
export const AFFINITIES_LABEL = 'com.docker.swarm.affinities'
export const WHITELISTS_LABEL = 'com.docker.swarm.whitelists'

export type Labels = Readonly<Record<string, string>>

const SWARM_LABELS: readonly string[] = [
  SWARM_ID_LABEL,
  RESCHEDULE_LABEL,
  CONSTRAINTS_LABEL,
  AFFINITIES_LABEL,
  WHITELISTS_LABEL,
]

/** Whether a label says what one container is to its cluster. An image must not hand it on to others. */
export function isClusterLabel(name: string): boolean {
  return name.startsWith('shoal.') || SWARM_LABELS.includes(name)
}

/** The labels that mean something to people and programs, and nothing to a cluster. */
export function withoutClusterLabels(labels: Labels | null | undefined): Labels {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([name]) => !isClusterLabel(name)))
}

/**
 * The task whose container this is; undefined: none's. A container that was created one by one has an id of the cluster, and is no
 * task's whatever its image or its creator says.
 */
export function taskIdIn(labels: Labels | null | undefined): string | undefined {
  const id = labels?.[TASK_LABEL]
  return id === '' || labels?.[SWARM_ID_LABEL] !== undefined ? undefined : id
}
