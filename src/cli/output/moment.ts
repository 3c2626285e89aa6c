import { humanDuration } from './duration.ts'

/** A moment as Go's time.String writes it in universal time: `2026-01-02 15:04:05 +0000 UTC`. */
export function goTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`
}

/** `3 hours ago`. */
export function ago(thenMs: number, nowMs: number): string {
  return `${humanDuration(nowMs - thenMs)} ago`
}
