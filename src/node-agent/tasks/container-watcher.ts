import type { Clock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { TASK_LABEL } from '../../core/model/labels.ts'
import { ContainerFeed, type Engine } from '../../docker-api/index.ts'
import type { HandRestarts } from '../ports.ts'
import { readContainer, type SeenContainer } from './seen-container.ts'

export interface ContainerWatcherPorts {
  readonly engine: Engine
  readonly restarts?: HandRestarts | undefined
  readonly clock: Clock
  readonly log: Log
}

const RELIST_MS = 30_000

/** The containers of tasks on this node, as the engine has them. */
export class ContainerWatcher {
  readonly #feed: ContainerFeed<SeenContainer>
  readonly relist: () => Promise<void>
  readonly refresh: (id: string) => Promise<void>
  /** Follows the engine until the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>

  constructor({ engine, restarts, clock, log }: ContainerWatcherPorts, onChange: () => void) {
    const feed = new ContainerFeed<SeenContainer>({
      engine,
      clock,
      read: inspect => asRestarting(readContainer(inspect), restarts),
      filters: { label: [TASK_LABEL] },
      // Engines that say the labels with each event spare us looking at other people's containers.
      concerns: ({ Actor: { Attributes } }, kept) =>
        kept !== undefined || TASK_LABEL in Attributes || !('name' in Attributes),
      onChange,
      onFailure: error => log.warn({ error }, 'the engine does not answer, will ask again'),
      relistMs: RELIST_MS,
    })
    this.#feed = feed
    this.relist = () => feed.relist()
    this.refresh = id => feed.refresh(id)
    this.run = signal => feed.run(signal)
    restarts?.onEnd(id => {
      if (!feed.kept.has(id)) return
      feed.refresh(id).catch((error: unknown) => log.warn({ id, error: errorMessage(error) }, 'cannot look again'))
    })
  }

  containers(): SeenContainer[] {
    return [...this.#feed.kept.values()]
  }

  ofTask(taskId: string): SeenContainer | undefined {
    return this.containers().find(container => container.taskId === taskId)
  }
}

/** A container that was ended to be started again has not ended. */
function asRestarting(seen: SeenContainer | undefined, restarts: HandRestarts | undefined): SeenContainer | undefined {
  if (seen === undefined || seen.status !== 'exited' || restarts?.has(seen.id) !== true) return seen
  return { ...seen, status: 'restarting' }
}
