/** A host silent for this long is taken for dead: with the probe's pace its names are gone within two seconds. */
export const SILENCE_MS_MAX = 1_400
/** Linux refuses the same asker only once a second after the first few (icmp_ratelimit), so the next one may be late. */
export const REFUSAL_SILENCE_MS_MAX = 1_650

/**
 * A packet of its agent, or of who stands in for it beside its containers; or its kernel's word that the probe's port is closed: then the agent is gone, as while it is
 * restarted or upgraded, but the host lives, and its containers serve on.
 */
export type SignOfLife = 'packet' | 'refusal'

export interface Sighting {
  /** When the host was last heard, or first expected, on the monotonic clock. */
  readonly atMs: number
  readonly by: SignOfLife
}

export interface PeerSightings {
  readonly peers: ReadonlyMap<string, Sighting>
  readonly nowMs: number
  /** When anything else of the cluster (the store) last answered us. */
  readonly witnessMs: number
}

/**
 * Hosts to leave out of names and ingress. When every peer is silent it may be us who is cut off: then nobody is
 * suspected, unless a witness has answered since.
 */
export function suspectedHosts({ peers, nowMs, witnessMs }: PeerSightings): ReadonlySet<string> {
  const silent = [...peers].filter(([, sighting]) => isSilent(sighting, nowMs))
  const allSilent = silent.length === peers.size
  const lastOfAllMs = Math.max(...[...peers.values()].map(({ atMs }) => atMs))
  if (allSilent && witnessMs <= lastOfAllMs) return new Set()
  return new Set(silent.map(([host]) => host))
}

/** Whether a witness is needed to tell the others' death from our own isolation. */
export function needsWitness({ peers, nowMs }: Omit<PeerSightings, 'witnessMs'>): boolean {
  return peers.size > 0 && [...peers.values()].every(sighting => isSilent(sighting, nowMs))
}

/**
 * Whether the sign tells that the host's containers serve. A refusal alone does not prove it of a host that was taken for
 * dead: it has most likely booted anew, without its containers. Nor of one whose membership has run out: nobody came back
 * to look after its containers, and others run in their place by now.
 */
export function isProofOfService(
  by: SignOfLife,
  { wasSuspected, isMember }: { readonly wasSuspected: boolean; readonly isMember: boolean },
): boolean {
  return by === 'packet' || (!wasSuspected && isMember)
}

function isSilent({ atMs, by }: Sighting, nowMs: number): boolean {
  return nowMs - atMs > (by === 'packet' ? SILENCE_MS_MAX : REFUSAL_SILENCE_MS_MAX)
}
