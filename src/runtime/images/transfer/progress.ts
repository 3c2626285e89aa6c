import type { Clock } from '../../../core/clock.ts'
import type { ProgressMessage } from '../../../docker-api/index.ts'

export type OnProgress = (message: ProgressMessage) => void

const BAR_WIDTH = 50
/** More than a few lines a second for each layer helps nobody. */
const REPORT_EVERY_MS = 100

/** The bar that docker's command line shows: `[==>   ]  1.2MB/2.7MB`. */
export function progressBar(current: number, total: number): string {
  if (total <= 0 || current > total) return decimalSize(current)
  const filled = Math.floor((current / total) * BAR_WIDTH)
  const bar = `${'='.repeat(filled)}${filled < BAR_WIDTH ? '>' : ''}`.padEnd(BAR_WIDTH, ' ')
  return `[${bar}]  ${decimalSize(current)}/${decimalSize(total)}`
}

/** Decimal units with four digits, as docker shows transfers. */
export function decimalSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`
}

/** Reports the bytes of one layer now and then. The id is the short one that docker shows. */
export function transferMeter(
  status: string,
  { digest, total }: { readonly digest: string; readonly total: number },
  { onProgress, clock }: { readonly onProgress: OnProgress; readonly clock: Clock },
): (bytes: number) => void {
  let current = 0
  let lastMs = Number.NEGATIVE_INFINITY
  return bytes => {
    current += bytes
    const now = clock.monotonicMs()
    if (now - lastMs < REPORT_EVERY_MS && current !== total) return
    lastMs = now
    onProgress({
      status,
      progressDetail: { current, total },
      progress: progressBar(current, total),
      id: shortDigest(digest),
    })
  }
}

/** The first 12 digits of a digest, as docker shows layers and images. */
export function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12)
}
