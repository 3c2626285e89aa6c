import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { VolumeMounter } from './kernel-mounter.ts'

export interface VolumeStorePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Told of every `create`, `destroy`, `mount`, `unmount` and `prune`, for the event stream. */
  readonly emit?: (action: string, volume: string, attributes: Readonly<Record<string, string>>) => void
  /** Absent: the kernel's. */
  readonly mounter?: VolumeMounter
}
