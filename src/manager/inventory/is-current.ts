import { type ContainerSummary, statusText } from '../../docker-api/index.ts'
import type { HeldContainer } from './held-container.ts'

/** `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`: what was before the duration, the duration, and what is behind it. */
const STATUS = /^(Up |.*\) )(?:About an? |Less than a )?(\d*) ?([a-z]+?)s?( ago| \(.*\)|)$/

/** Whether a line of a list tells nothing that is not known already, so that the container need not be asked for. */
export function isCurrent(kept: HeldContainer, summary: ContainerSummary, nowMs: number): boolean {
  if (kept.details === undefined || kept.status !== summary.State) return false
  return isSameStatus(statusText(kept.details.state, nowMs), summary.Status)
}

/** Whether a container that was held anew by its line is what was held before; with details, its status says how it is, not when. */
export function isSame(kept: HeldContainer, now: HeldContainer): boolean {
  if (kept.line !== now.line || kept.status !== now.status || kept.details !== now.details) return false
  return now.details !== undefined || kept.listedStatus === now.listedStatus
}

/** Durations of one unit may differ by one, since nobody's clock is exact: more of a difference is another start, or another end. */
function isSameStatus(ours: string, theirs: string): boolean {
  if (ours === theirs) return true
  const a = STATUS.exec(ours)
  const b = STATUS.exec(theirs)
  if (a === null || b === null || a[1] !== b[1] || a[3] !== b[3] || a[4] !== b[4]) return false
  return Math.abs(Number(a[2] || 1) - Number(b[2] || 1)) <= 1
}
