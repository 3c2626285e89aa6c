export interface Room {
  readonly nanoCpus: number
  readonly memoryBytes: number
}

/**
 * What may be reserved on a node. `overcommit`: share by which it is taken for larger than it is; whole percents, as in classic Swarm,
 * which counts whole CPUs here: five percent of four is none.
 */
export function roomOf({ nanoCpus, memoryBytes }: Room, overcommit: number): Room {
  const percent = Math.trunc(overcommit * 100)
  return {
    nanoCpus: nanoCpus + Math.trunc((Math.trunc(nanoCpus / 1e9) * percent) / 100) * 1e9,
    memoryBytes: memoryBytes + Math.trunc((memoryBytes * percent) / 100),
  }
}
