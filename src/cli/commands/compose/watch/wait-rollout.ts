import { type Clock, sleep } from '../../../../core/clock.ts'
import { failed } from '../../../../core/errors.ts'
import type { ProjectView } from '../../../../core/model/control-api.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { replicaNews, rolloutProgress, unplaced, type Watched } from './rollout.ts'

export interface WaitOptions {
  readonly watched: Watched
  readonly progress: Progress
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly view: () => Promise<ProjectView | undefined>
}

const POLL_MS = 250
/** How long no host may fit before we stop waiting: a host that is just joining gets its chance. */
const PLACEMENT_PATIENCE_MS = 15_000

/**
 * Follows a rollout until all watched services are where they should be. Throws ROLLOUT_FAILED when a task cannot start,
 * when no host fits for a while, and when time is up; what is wanted stays wanted, and the manager goes on.
 */
export async function waitForRollout(options: WaitOptions): Promise<void> {
  const { watched, progress, clock, signal } = options
  const deadline = clock.monotonicMs() + options.timeoutMs
  let unplacedSince: number | undefined
  for (;;) {
    const view = await options.view()
    if (view === undefined) throw failed('ROLLOUT_FAILED', 'The project was taken down by somebody else meanwhile')
    const services = rolloutProgress(view, watched)
    for (const { service, news } of services) {
      progress.tell(`Service ${service}`, news)
      progress.parts(`Service ${service}`, replicaNews(view, service))
    }
    const failures = services.flatMap(({ failure }) => failure ?? [])
    if (failures.length > 0) throw failed('ROLLOUT_FAILED', `Cannot start ${failures.join('\n')}`)
    if (services.every(({ reached }) => reached)) return
    const homeless = unplaced(view, watched.services)
    const now = clock.monotonicMs()
    unplacedSince = homeless.length === 0 ? undefined : (unplacedSince ?? now)
    if (unplacedSince !== undefined && now - unplacedSince >= PLACEMENT_PATIENCE_MS) {
      const advice = 'It goes on as soon as a host fits, or is back; see `swarm node ls`'
      throw failed('ROLLOUT_FAILED', `Cannot place ${homeless.join('\n')}\n${advice}`)
    }
    if (now >= deadline) {
      const late = services.filter(({ reached }) => !reached).map(({ service, news }) => `${service} (${news})`)
      throw failed('ROLLOUT_FAILED', `Not ${watched.goal} after ${options.timeoutMs / 1_000} s: ${late.join(', ')}`)
    }
    await sleep(clock, POLL_MS, signal)
  }
}
