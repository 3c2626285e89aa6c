import { servicesOf, without } from '../../../../compose/index.ts'
import type { ServiceSpec } from '../../../../core/model/service.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { type ContainerPlan, containerPlan } from '../one-engine/container-request.ts'
import { engineRun } from '../one-engine/engine-run.ts'
import { isUp, type Known, knownContainers, noneToShare, replicasOf } from '../one-engine/known-containers.ts'
import { writeFiles, writtenFiles } from '../one-engine/service-content.ts'
import { type UpOptions, upOnEngine } from '../one-engine/up-engine.ts'
import { waitForDependencies } from '../one-engine/wait-dependency.ts'
import { planText } from '../plan-text.ts'
import type { LoadedSpec } from '../spec/load-spec.ts'
import { pullWhatIsMissing } from '../up/pull-missing.ts'
import type { ComposeCommand } from '../with-manager.ts'
import { requestOf, runOnce } from './run-once.ts'
import type { OnceMade } from './run-request.ts'

export interface RunningHere extends LoadedSpec {
  readonly service: string
  readonly progress: Progress
}

/** What runs already stays as it is. */
const LEFT_ALONE: UpOptions = {
  dryRun: false,
  recreate: [],
  keep: true,
  start: true,
  removeOrphans: false,
  renewVolumes: false,
}

/** `compose run` on one engine: what the service depends on is started, then the container is made as a replica is. */
export async function runHere(command: ComposeCommand, here: RunningHere): Promise<number> {
  const { manager, context, options } = command
  const { project, spec, service, progress } = here
  const { engine } = manager
  const run = engineRun(manager, { context, progress, options })
  const others = { project, spec: { ...spec, services: spec.services.filter(({ name }) => name !== service) } }
  const plan = (containers: readonly Known[]) => planOneOff(here, containers, options.flag('useAliases'))
  if (options.flag('dryRun')) {
    const steps = await upOnEngine(others, { ...LEFT_ALONE, dryRun: true }, run)
    const { name } = requestOf(command, here)
    context.stdout.write(`${planText(steps)}+ run    container ${name}\n`)
    return 0
  }
  await pullWhatIsMissing({ ...others, api: manager }, { invocation: command, context, progress })
  await upOnEngine(others, LEFT_ALONE, run)
  // Those that are not asked about too: it may be linked to them, or share what they have.
  const containers = await knownContainers(engine, spec.name)
  const own = spec.services.find(({ name }) => name === service)
  await waitForDependencies(own, needed => replicasOf(containers, needed), run)
  const made = requestOf(command, here, plan(containers))
  const files = writtenFiles(project, servicesOf(project.model)[service] ?? {})
  progress.end()
  const prepare = async (id: string): Promise<void> => {
    for (const [network, endpoint] of made.joins) await engine.networks.connect(network, id, endpoint)
    await writeFiles(engine, { id, files, signal: context.signal })
  }
  return runOnce(command, made, { service: own, prepare })
}

/** How an engine is asked for a container of a service by itself, beside those that are there. Pure. */
function planOneOff(
  { project, spec, service: name }: RunningHere,
  containers: readonly Known[],
  useAliases: boolean,
): (service: ServiceSpec, once: OnceMade) => ContainerPlan {
  const model = servicesOf(project.model)[name] ?? {}
  return (service, once) =>
    containerPlan(
      {
        project,
        spec,
        service,
        model: { ...without(model, 'restart', 'deploy'), ...(once.withPorts ? {} : { ports: [] }) },
      },
      {
        name: once.name,
        labels: {},
        useAliases,
        containerOf: other => firstOf(containers, other),
        namesOf: other => replicasOf(containers, other).map(each => each.name),
      },
    )
}

function firstOf(containers: readonly Known[], service: string): string {
  const found = replicasOf(containers, service).find(isUp)
  if (found === undefined) throw noneToShare(service)
  return found.id
}
