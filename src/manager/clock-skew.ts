/** How far a clock is ahead that showed `time` some time between two moments of ours; 0 if that may be due to the way alone. */
export function clockSkewMs(
  time: string,
  { askedMs, answeredMs }: { readonly askedMs: number; readonly answeredMs: number },
): number {
  const shownMs = Date.parse(time)
  if (Number.isNaN(shownMs)) return 0
  if (shownMs > answeredMs) return shownMs - answeredMs
  return shownMs < askedMs ? shownMs - askedMs : 0
}
