import type { Clock } from '../../core/clock.ts'
import { invalidInput } from '../../core/errors.ts'
import type { BuildTimes } from './build.ts'
import { EPOCH_ARG } from './steps/build-args.ts'

/** File times come from the kernel's last tick, 1 to 10 ms ago by how it was configured: two of the longest. */
const FILE_CLOCK_LAG_MS = 20

/**
 * The times of a build. With SOURCE_DATE_EPOCH everything is said to have been done then, and no file is later. Without it
 * images say when they were made; but files that a command wrote get the time of the newest file that went into the build,
 * so that the same context gives the same layers on every host and every day. Source: reproducible-builds.org.
 */
export function buildTimes(
  buildArgs: Readonly<Record<string, string>>,
  { newestSeconds, begunMs }: { readonly newestSeconds: number; readonly begunMs: number },
  clock: Clock,
): BuildTimes {
  const epoch = buildArgs[EPOCH_ARG]
  if (epoch === undefined || epoch === '') {
    const files = {
      mtimeMaxSeconds: newestSeconds,
      mtimeFromSeconds: Math.floor((begunMs - FILE_CLOCK_LAG_MS) / 1_000),
    }
    return { madeMs: () => clock.nowMs(), epochSeconds: undefined, files }
  }
  const epochSeconds = /^\d{1,11}$/.test(epoch) ? Number(epoch) : undefined
  if (epochSeconds === undefined) {
    throw invalidInput('BAD_EPOCH', `invalid SOURCE_DATE_EPOCH: ${epoch}: expected seconds since 1970`)
  }
  return {
    madeMs: () => epochSeconds * 1_000,
    epochSeconds,
    files: { mtimeMaxSeconds: epochSeconds, mtimeFromSeconds: 0 },
  }
}
