import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, unavailable } from '../../core/errors.ts'
import { ContainerFeed, checkedImages, type Engine, type ImageSummary } from '../../docker-api/index.ts'
import { clockSkewMs } from '../clock-skew.ts'
import type { Gate } from './gate.ts'
import type { HeldContainer } from './held-container.ts'
import { type HoldingNode, hasDetails, holdInspected, holdLine } from './hold-container.ts'
import type { NodeCondition, NodeInventory } from './inventory.ts'
import { isCurrent, isSame } from './is-current.ts'

export interface NodeFeedPorts {
  readonly engine: Engine
  readonly clock: Clock
  /** Shared by all nodes. */
  readonly gate: Gate
  /** How long a full list is trusted, in milliseconds, if no event is lost. */
  readonly relistMs: number
  /** The same for the first one. */
  readonly firstRelistMs: number
  readonly onContainer: (id: string, before: HeldContainer | undefined, now: HeldContainer | undefined) => void
  readonly onCondition: () => void
  readonly onImages: () => void
  /** Something was told that is not read yet. */
  readonly onUnsettled: () => void
}

/** A node that does not answer for this long is not waited for. */
export const ANSWER_MS = 4_000
/** What it means that nothing came, as opposed to a wrong answer. */
const SILENT = ['ENGINE_SILENT', 'ENGINE_UNAVAILABLE']
/** Events about one container within this long are one question. Whoever lists containers does not wait for it, see settled(). */
const GATHER_MS = 50
/** What changes what we keep. Health checks alone would be ten thousand other events a second in a large cluster. */
const EVENTS = {
  type: ['container', 'image', 'network'],
  event:
    'create start die pause unpause rename update destroy health_status pull tag untag delete load import connect disconnect'.split(
      ' ',
    ),
}

/** One node's containers and images, followed through its engine for as long as it is a member. */
export class NodeFeed implements NodeInventory {
  readonly #node: HoldingNode
  readonly #ports: NodeFeedPorts
  readonly #feed: ContainerFeed<HeldContainer>
  readonly #gone = new AbortController()
  /** The feed's own map changes before we hear of it; this one is what others were told. */
  readonly #told = new Map<string, HeldContainer>()
  condition: NodeCondition = 'reading'
  error: string | undefined
  errorBefore: string | undefined
  isSilent = false
  sinceMs: number | undefined
  listedAtMs: number | undefined
  images: readonly ImageSummary[] = []
  readonly #judged = Promise.withResolvers<void>()
  clockSkewMs = 0
  #imagesAreStale = true
  #readingImages: Promise<void> | undefined
  /** It did not list its images when it was last asked: nobody waits for that again. */
  #isSilentOnImages = false

  constructor(node: HoldingNode, ports: NodeFeedPorts) {
    this.#node = node
    this.#ports = ports
    const { engine, clock, relistMs, firstRelistMs, gate } = ports
    this.#feed = new ContainerFeed<HeldContainer>({
      engine,
      clock,
      relistMs,
      firstRelistMs,
      gatherMs: GATHER_MS,
      answerMs: ANSWER_MS,
      eventFilters: EVENTS,
      gate: (ask, isUrgent) => gate.pass(ask, isUrgent),
      read: inspect => holdInspected(node, inspect, this.#told.get(inspect.Id)),
      readLine: (summary, kept) => holdLine(node, summary, kept),
      isCurrent: (kept, summary) => isCurrent(kept, summary, clock.nowMs()),
      tellsAll: hasDetails,
      isSame,
      onChange: (id, now) => this.#tell(id, now),
      onMarked: ports.onUnsettled,
      onEvent: ({ Type }) => {
        if (Type === 'image') void this.#readImages()
      },
      onFlood: () => this.#become('broken', 'It tells of more than can be read: events without end'),
      onListed: () => this.#onListed(),
      onFailure: (message, _failures, error) => {
        this.isSilent = SILENT.includes(errorCode(error) ?? '')
        this.#become('broken', message)
      },
    })
  }

  get name(): string {
    return this.#node.name
  }

  get containers(): ReadonlyMap<string, HeldContainer> {
    return this.#told
  }

  /** Until {@link leave} is called. */
  run(): Promise<void> {
    return this.#feed.run(this.#gone.signal)
  }

  /** The node is no member any more: what it had is kept, and nobody knows how it is. */
  leave(reason: string): void {
    this.#gone.abort()
    if (this.condition === 'broken') this.errorBefore = this.error
    this.#become('down', reason)
  }

  /** Resolves when the node has told everything for the first time, or is known not to. */
  get judged(): Promise<void> {
    return this.#judged.promise
  }

  /** Lets go of a container of a node that is down. */
  forget(id: string): void {
    const before = this.#told.get(id)
    if (this.#told.delete(id)) this.#ports.onContainer(id, before, undefined)
  }

  /** Whether events have told of something that was not read yet, or nothing was told at all. */
  get isUnsettled(): boolean {
    return this.condition !== 'down' && this.condition !== 'broken' && this.#feed.isUnsettled
  }

  /** Resolves when what events have told until now was read. */
  async settled(): Promise<void> {
    await this.#judged.promise
    if (this.isUnsettled) await this.#feed.settled()
  }

  /** Reads a container anew. Throws if the node does not answer. */
  refresh(id: string): Promise<void> {
    return this.#feed.refresh(id)
  }

  /** Resolves when the images that events have told of until now were listed. */
  async imagesSettled(): Promise<void> {
    await this.#judged.promise
    if (this.condition === 'down' || this.condition === 'broken') return
    const reading = this.#imagesAreStale ? this.#readImages() : this.#readingImages
    if (!this.#isSilentOnImages) await reading
  }

  get imagesAreKnown(): boolean {
    return !this.#imagesAreStale && this.#readingImages === undefined
  }

  /** Lists the images anew. */
  refreshImages(): Promise<void> {
    return this.#readImages()
  }

  #tell(id: string, now: HeldContainer | undefined): void {
    const before = this.#told.get(id)
    if (this.condition === 'down' || (before === undefined && now === undefined)) return
    if (now === undefined) this.#told.delete(id)
    else this.#told.set(id, now)
    this.#ports.onContainer(id, before, now)
  }

  #onListed(): void {
    this.listedAtMs = this.#ports.clock.nowMs()
    this.isSilent = false
    if (!this.#feed.isFlooded) this.#become('live', undefined)
    // One after the other, over one connection.
    void this.#readImages().then(() => this.#readClock())
  }

  #become(condition: NodeCondition, error: string | undefined): void {
    if (this.condition === 'down' || (this.condition === condition && this.error === error)) return
    if (condition === 'live') this.sinceMs = undefined
    else if (condition === 'down' || this.condition !== 'broken') this.sinceMs = this.#ports.clock.nowMs()
    this.condition = condition
    this.error = error
    this.#judged.resolve()
    this.#ports.onCondition()
  }

  /** One list at a time; what happens meanwhile is seen by the next. */
  #readImages(): Promise<void> {
    this.#imagesAreStale = true
    if (this.condition !== 'down') this.#readingImages ??= this.#readImagesWhileStale()
    return this.#readingImages ?? Promise.resolve()
  }

  async #readImagesWhileStale(): Promise<void> {
    try {
      while (this.#imagesAreStale && this.condition !== 'down') {
        this.#imagesAreStale = false
        this.images = await this.#listImages()
        this.#isSilentOnImages = false
        this.#ports.onImages()
      }
    } catch {
      // Images alone are no reason to do without a node's containers: they are asked for with the next event, list, or reader.
      this.#imagesAreStale = true
      this.#isSilentOnImages = true
    } finally {
      this.#readingImages = undefined
    }
  }

  /** How the node's clock goes, which it tells nowhere else. */
  async #readClock(): Promise<void> {
    const { engine, clock, gate } = this.#ports
    try {
      await gate.pass(async () => {
        const askedMs = clock.nowMs()
        const onTimeout = (): Error => unavailable('ENGINE_SILENT', 'The engine did not tell the time')
        const { SystemTime } = await withDeadline(() => engine.info(), ANSWER_MS, { clock, onTimeout })
        this.clockSkewMs = clockSkewMs(SystemTime, { askedMs, answeredMs: clock.nowMs() })
      }, false)
    } catch {
      // It is what it was when it last told.
    }
  }

  async #listImages(): Promise<readonly ImageSummary[]> {
    const { engine, clock, gate } = this.#ports
    const onTimeout = (): Error => unavailable('ENGINE_SILENT', 'The engine did not list its images in time')
    const images = await gate.pass(
      () => withDeadline(() => engine.images.list({}), ANSWER_MS, { clock, onTimeout }),
      false,
    )
    return checkedImages(images)
  }
}
