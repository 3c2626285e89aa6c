/** A host silent for this long is taken for dead: with the probe's pace its names are gone within two seconds. */
export const SILENCE_MS_MAX = 1_400

export interface PeerSightings {
  /** For each peer host when it was last heard, or first expected, on the monotonic clock. */
  readonly lastHeardMs: ReadonlyMap<string, number>
  readonly nowMs: number
  /** When anything else of the cluster (the store) last answered us. */
  readonly witnessMs: number
}

/**
 * Hosts to leave out of names and ingress. When every peer is silent it may be us who is cut off: then nobody is
 * suspected, unless a witness has answered since.
 */
export function suspectedHosts({ lastHeardMs, nowMs, witnessMs }: PeerSightings): ReadonlySet<string> {
  const silent = [...lastHeardMs].filter(([, heardMs]) => nowMs - heardMs > SILENCE_MS_MAX)
  const allSilent = silent.length === lastHeardMs.size
  const lastOfAllMs = Math.max(...lastHeardMs.values())
  if (allSilent && witnessMs <= lastOfAllMs) return new Set()
  return new Set(silent.map(([host]) => host))
}

/** Whether a witness is needed to tell the others' death from our own isolation. */
export function needsWitness({ lastHeardMs, nowMs }: Omit<PeerSightings, 'witnessMs'>): boolean {
  return lastHeardMs.size > 0 && [...lastHeardMs.values()].every(heardMs => nowMs - heardMs > SILENCE_MS_MAX)
}
