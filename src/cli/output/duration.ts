const STEPS: readonly (readonly [limitMs: number, unitMs: number, one: string, many: string])[] = [
  [60_000, 1_000, '1 second', 'seconds'],
  [3_600_000, 60_000, 'About a minute', 'minutes'],
  [48 * 3_600_000, 3_600_000, 'About an hour', 'hours'],
  [14 * 86_400_000, 86_400_000, 'A day', 'days'],
  [60 * 86_400_000, 7 * 86_400_000, 'A week', 'weeks'],
  [730 * 86_400_000, 30 * 86_400_000, 'A month', 'months'],
]

/** A time span as docker tells it: `5 seconds`, `About a minute`, `3 hours`. */
export function humanDuration(ms: number): string {
  if (ms < 1_000) return 'Less than a second'
  const [, unitMs, one, many] = STEPS.find(([limitMs]) => ms < limitMs) ?? [0, 365 * 86_400_000, 'A year', 'years']
  const count = Math.floor(ms / unitMs)
  return count <= 1 ? one : `${count} ${many}`
}
