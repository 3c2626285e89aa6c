import type { Lifetime } from './certificate-maker.ts'

const DAY_MS = 86_400_000

export const AUTHORITY_LIFE_MS = 3_650 * DAY_MS
export const CERTIFICATE_LIFE_MS = 90 * DAY_MS
/** Of what nobody renews by itself: as long as docker-machine has them. */
export const LONE_LIFE_MS = 1_080 * DAY_MS
export const TOKEN_LIFE_MS = DAY_MS

/** A certificate is renewed when two thirds of its life are over; who finds nobody to ask has the last third to find out. */
export function renewAtMs({
  notBeforeMs,
  notAfterMs,
}: {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}): number {
  return notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3
}

/** None outlives the authority that signs it. */
export function lifeOf(nowMs: number, wantedMs: number, authorityUntilMs: number): Lifetime {
  return { fromMs: nowMs, untilMs: Math.min(nowMs + wantedMs, authorityUntilMs) }
}
