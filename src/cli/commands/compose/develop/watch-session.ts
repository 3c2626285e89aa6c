import { errorMessage, failed } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { runInContainer } from '../../../../docker-api/index.ts'
import type { CommandContext } from '../../../command.ts'
import type { ManagerApi } from '../manager-api.ts'
import { containerOf, runningTasks } from '../project-tasks.ts'
import { type FileChanges, joinChanges } from './file-tree.ts'
import type { RuleChanges } from './file-watch.ts'
import { planBatch, type ServiceWork, type SyncStep } from './plan-batch.ts'
import { syncFiles } from './sync-files.ts'
import type { WatchRule } from './watch-rules.ts'

export interface SessionOptions {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly project: string
  /** Builds the image of a service anew, and has its containers replaced. */
  readonly rebuild: (service: string) => Promise<void>
  readonly tell: (news: string) => void
}

const PARALLEL = 8

/** What `watch` does in the containers, and what it has copied into which of them. */
export class WatchSession {
  readonly #options: SessionOptions
  /** All that was copied since the image was built, by rule: what a container that is new has to be given. */
  readonly #copied = new Map<WatchRule, FileChanges>()
  /** Containers that have it all. */
  readonly #upToDate = new Set<string>()
  /** Containers that could not be given it. What has failed fails again until something changes. */
  readonly #failed = new Set<string>()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Takes the containers that run now for what their image is, and copies into them what is asked for at the start. */
  async begin(services: readonly string[], first: readonly RuleChanges[]): Promise<void> {
    for (const service of services) for (const id of await this.#containers(service)) this.#upToDate.add(id)
    for (const { service, syncs } of planBatch(first)) await this.#attempt(service, () => this.#sync(service, syncs))
  }

  /** Does what the changes ask for. A failure is told, and the watch goes on. */
  async handle(batch: readonly RuleChanges[]): Promise<void> {
    for (const work of planBatch(batch)) await this.#attempt(work.service, () => this.#do(work))
  }

  /** Gives containers that have taken the place of others, on another host perhaps, what those had. */
  async catchUp(): Promise<void> {
    const services = new Set([...this.#copied.keys()].map(({ service }) => service))
    for (const service of services) await this.#attempt(service, () => this.#sync(service, []))
  }

  async #attempt(service: string, work: () => Promise<void>): Promise<void> {
    const { context } = this.#options
    try {
      await work()
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`Warning: service "${service}": ${errorMessage(error)}\n`)
    }
  }

  async #do({ service, rebuild, syncs, restart, execs, count }: ServiceWork): Promise<void> {
    const { api, context, tell } = this.#options
    if (rebuild) {
      tell(`Rebuilding service(s) ["${service}"] after changes were detected...`)
      await this.#options.rebuild(service)
      for (const rule of this.#copied.keys()) if (rule.service === service) this.#copied.delete(rule)
      for (const id of await this.#containers(service)) this.#upToDate.add(id)
      tell(`service(s) ["${service}"] successfully built`)
      return
    }
    if (syncs.length > 0) {
      tell(`Syncing service "${service}" after ${count} changes were detected`)
      await this.#sync(service, syncs)
    }
    for (const command of execs) {
      await mapParallel(await this.#containers(service), PARALLEL, async id => {
        const { code, output } = await runInContainer(id, command, { ...context, engine: api.engine })
        if (code !== 0) throw failed('EXEC_FAILED', `${command.command.join(' ')} ended with ${code}: ${output}`)
      })
    }
    if (!restart) return
    await mapParallel(await this.#containers(service), PARALLEL, id => api.engine.containers.restart(id, {}))
    tell(`service(s) ["${service}"] restarted`)
  }

  /** Copies changes into all containers of a service; into those that are new all that the others have. */
  async #sync(service: string, syncs: readonly SyncStep[]): Promise<void> {
    const { api, context } = this.#options
    for (const { rule, changes } of syncs) {
      const before = this.#copied.get(rule) ?? { written: [], removed: [] }
      this.#copied.set(rule, joinChanges(before, changes))
    }
    const everything = [...this.#copied].filter(([rule]) => rule.service === service)
    const all = await this.#containers(service)
    const ids = syncs.length > 0 ? all : all.filter(id => !this.#failed.has(id))
    const current = ids.filter(id => this.#upToDate.has(id))
    // If it fails half way, or for one before others have had their turn, all of it is tried the next time.
    for (const id of ids) this.#upToDate.delete(id)
    await mapParallel(ids, PARALLEL, async id => {
      const steps = current.includes(id) ? syncs : everything.map(([rule, changes]) => ({ rule, changes }))
      this.#failed.add(id)
      for (const step of steps) await syncFiles(id, step, { ...context, engine: api.engine })
      this.#failed.delete(id)
      this.#upToDate.add(id)
    })
  }

  async #containers(service: string): Promise<readonly string[]> {
    const view = await this.#options.api.project(this.#options.project)
    return view === undefined ? [] : runningTasks(view, [service]).map(containerOf)
  }
}
