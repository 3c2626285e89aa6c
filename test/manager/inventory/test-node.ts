import { notFound } from '../../../src/core/errors.ts'
import type { ContainerInspect, ContainerSummary, Engine, EngineEvent } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'

export type Box = {
  readonly id: string
  name: string
  status: string
  readonly exitCode?: number
  readonly labels?: Record<string, string>
}

/** An engine whose containers a test changes at will; nobody is told unless the test says so. */
export class TestNode {
  boxes: Box[]
  inspects = 0
  lists = 0
  /** What is thrown by lists. */
  failure: Error | undefined
  /** What is thrown instead of a description. */
  refusal: Error | undefined
  garbage: unknown
  /** It is an engine of ours, whose lists tell all, and not Docker's. */
  isOurs = false
  readonly #waiting: ((event: IteratorResult<EngineEvent>) => void)[] = []
  readonly #events: EngineEvent[] = []
  endless = false
  told = 0

  constructor(boxes: Box[]) {
    this.boxes = boxes
  }

  readonly engine: Engine = stubEngine({
    events: (_options, signal) => ({ [Symbol.asyncIterator]: () => ({ next: () => this.#next(signal) }) }),
    containers: {
      list: async ({ details = false }) => {
        this.lists++
        if (this.failure !== undefined) throw this.failure
        const lineOf = details && this.isOurs ? detailedSummaryOf : summaryOf
        return (this.garbage ?? this.boxes.map(lineOf)) as ContainerSummary[]
      },
      inspect: async id => {
        this.inspects++
        if (this.refusal !== undefined) throw this.refusal
        const box = this.boxes.find(each => each.id === id || each.name === id)
        if (box === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        return inspectOf(box)
      },
    },
  })

  tell(Action: string, id: string): void {
    const event = eventOf(Action, id)
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#events.push(event)
    else waiting({ done: false, value: event })
  }

  #next(signal: AbortSignal): Promise<IteratorResult<EngineEvent>> {
    this.told++
    if (this.endless) return Promise.resolve({ done: false, value: eventOf('start', 'ab'.padEnd(64, '0')) })
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true })
    })
  }
}

export const idOf = (text: string): string => text.padEnd(64, '0')

function eventOf(Action: string, ID: string): EngineEvent {
  return { Type: 'container', Action, Actor: { ID, Attributes: {} }, scope: 'local', time: 0, timeNano: 0 }
}

function summaryOf({ id, name, status, exitCode = 0, labels = {} }: Box): ContainerSummary {
  const Status = status === 'running' ? 'Up 5 hours' : `Exited (${exitCode}) 5 hours ago`
  return {
    Id: id,
    Names: [`/${name}`],
    Created: 1_700_000_000,
    State: status,
    Status,
    Labels: labels,
    Image: 'app:1',
  } as never
}

function detailedSummaryOf(box: Box): ContainerSummary {
  return { ...summaryOf(box), Details: inspectOf(box) }
}

function inspectOf({ id, name, status, exitCode = 0, labels = {} }: Box): ContainerInspect {
  const at = '2023-11-14T22:13:20Z'
  const State = { Status: status, StartedAt: at, FinishedAt: at, ExitCode: exitCode }
  const HostConfig = { NanoCpus: 1e9, Memory: 1024 }
  return {
    Id: id,
    Name: `/${name}`,
    Created: at,
    State,
    HostConfig,
    Config: { Image: 'app:1', Labels: labels },
  } as never
}

export const web = (): Box => ({ id: idOf('aa'), name: 'web', status: 'running', labels: { tier: 'front' } })
export const job = (): Box => ({ id: idOf('bb'), name: 'job', status: 'exited', exitCode: 3 })
