import { errorMessage } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { ContainerSummary } from '../../../../docker-api/index.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'

const PARALLEL = 8

/** Containers of a project that `run` has made, on all hosts, whether they run or not. */
export async function oneOffs(project: string, api: ManagerApi): Promise<readonly ContainerSummary[]> {
  const filters = { label: [`${COMPOSE_LABELS.project}=${project}`, `${COMPOSE_LABELS.oneOff}=True`] }
  return api.engine.containers.list({ all: true, filters })
}

/** Without the slash and the host that the manager puts before it. */
export function nameOf({ Id, Names }: Pick<ContainerSummary, 'Id' | 'Names'>): string {
  return (Names[0] ?? Id).replace(/^.*\//, '')
}

/** Removes them, running or not: nobody else knows that they belong to the project. */
export async function removeOneOffs(
  containers: readonly ContainerSummary[],
  api: ManagerApi,
  progress: Progress,
): Promise<void> {
  await mapParallel(containers, PARALLEL, async container => {
    const name = nameOf(container)
    try {
      await api.engine.containers.remove(container.Id, { force: true, volumes: true })
      progress.tell(`Container ${name}`, 'Removed')
    } catch (error) {
      // A host that is away keeps nobody from taking down what is elsewhere.
      progress.warn(`container ${name} is left: ${errorMessage(error)}`)
    }
  })
}
