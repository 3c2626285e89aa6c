import { ShoalError } from '../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../core/model/compose-labels.ts'
import type { ApplyResult, ProjectSummary, ProjectView, TaskView } from '../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../core/model/service.ts'
import { type Patience, retry } from '../../../core/retry.ts'
import type { Call, DockerClient } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { openClient } from '../../engine/open-client.ts'
import { namedManager } from '../../manager/manager-address.ts'
import { explainUnreachable } from '../../manager/unreachable.ts'
import { engineProjects, engineView } from './one-engine/engine-view.ts'
import { knownContainers } from './one-engine/known-containers.ts'

interface ApplyOptions {
  readonly dryRun?: boolean
  /** Services whose containers are replaced even if nothing changed. */
  readonly recreate?: readonly string[]
  readonly removeOrphans?: boolean
}

/** Who runs the containers: a manager over many hosts, or one engine that knows nothing of projects. */
export type Runner = 'manager' | 'engine'

/** What the compose commands ask of whoever runs the containers. */
export interface ManagerApi {
  /** Where it answers. */
  readonly url: string
  /** Asked once. */
  readonly runner: () => Promise<Runner>
  /** The Docker Engine API: of one engine, or the one that the manager serves over all hosts. */
  readonly engine: DockerClient
  readonly projects: () => Promise<readonly ProjectSummary[]>
  /** Undefined if there is no such project. */
  readonly project: (name: string) => Promise<ProjectView | undefined>
  /** Of a manager only, as all below: an engine is told container by container. */
  readonly apply: (spec: ProjectSpec, options: ApplyOptions) => Promise<ApplyResult>
  /** Has an image that was built copied to a second node, if only one has it. */
  readonly keepCopies: (imageId: string) => Promise<void>
  /** Undefined if there is no such project. */
  readonly remove: (
    name: string,
    options: { readonly volumes: boolean; readonly dryRun: boolean },
  ) => Promise<ApplyResult | undefined>
}

/** Writing a large project waits for the store. */
const APPLY_MS_MAX = 60_000
/** An image goes from one node to another on the way. */
const COPY_MS_MAX = 330_000

/** Managers that answer but have no leader yet are given the time a failover takes; every call here can be repeated. */
const FAILOVER: Patience = {
  triesMax: 40,
  waitMs: () => 250,
  mayPass: error => error instanceof ShoalError && error.code === 'NOT_LEADER',
}

/** `invocation` names its host: see `withLocalHost`. */
export function managerApi(invocation: Invocation, context: CommandContext): ManagerApi {
  const address = namedManager(invocation, context)
  const engine = openClient({ address: address.url, wanted: 'manager' }, invocation, context)
  const call = async <T>(request: Call): Promise<T> => {
    try {
      return (await retry(() => engine.transport.json({ ...request, signal: context.signal }), FAILOVER, context)) as T
    } catch (error) {
      throw explainUnreachable(address, error)
    }
  }
  const pathOf = (name: string): string => `/v1/projects/${encodeURIComponent(name)}`
  let asked: Promise<Runner> | undefined
  const runner = (): Promise<Runner> => {
    asked ??= runnerOf(engine).catch((error: unknown) => {
      throw explainUnreachable(address, error)
    })
    return asked
  }
  return {
    engine,
    url: address.url,
    runner,
    async projects() {
      if ((await runner()) === 'manager') return call({ method: 'GET', path: '/v1/projects' })
      return engineProjects(await engine.containers.list({ all: true, filters: { label: [COMPOSE_LABELS.project] } }))
    },
    async project(name) {
      if ((await runner()) === 'engine') return engineView(name, await knownContainers(engine, name))
      return orUndefined(call<ProjectView>({ method: 'GET', path: pathOf(name) }))
    },
    apply: (spec, { dryRun, recreate = [], removeOrphans }) =>
      call({
        method: 'PUT',
        path: pathOf(spec.name),
        body: spec,
        query: { dryRun, recreate: recreate.length === 0 ? undefined : recreate.join(','), removeOrphans },
        responseMs: APPLY_MS_MAX,
      }),
    keepCopies: async imageId => {
      const path = `/v1/images/${encodeURIComponent(imageId)}/copies`
      await call({ method: 'POST', path, responseMs: COPY_MS_MAX })
    },
    remove: (name, { volumes, dryRun }) =>
      orUndefined(
        call<ApplyResult>({
          method: 'DELETE',
          path: pathOf(name),
          query: { volumes, dryRun },
          responseMs: APPLY_MS_MAX,
        }),
      ),
  }
}

async function runnerOf(engine: DockerClient): Promise<Runner> {
  const { Components } = await engine.version()
  return Components.some(({ Name }) => Name === 'Shoal manager') ? 'manager' : 'engine'
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'NO_SUCH_PROJECT') return undefined
    throw error
  }
}

/** The task that stands for each slot: the newest one. The manager lists the newest first. */
export function currentTasks(view: ProjectView): readonly TaskView[] {
  const slots = new Map<string, TaskView>()
  for (const task of view.tasks) {
    const slot = `${task.service}/${task.slot}`
    if (!slots.has(slot)) slots.set(slot, task)
  }
  return [...slots.values()]
}
