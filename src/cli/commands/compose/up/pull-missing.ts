import { servicesOf } from '../../../../compose/index.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { carryImage } from '../images/carry-image.ts'
import { findImage } from '../images/find-image.ts'
import type { Pulling } from './pull-images.ts'
import type { WantedProject } from './wanted-project.ts'

const PARALLEL = 4

/** Has one engine pull what services need and it does not have: it pulls nothing by itself when a container is made. */
export async function pullWhatIsMissing(
  { project, spec, api }: Pick<WantedProject, 'project' | 'spec' | 'api'>,
  { invocation, context, progress }: Pulling,
): Promise<void> {
  const services = servicesOf(project.model)
  const quiet = invocation.options.flag('quietPull') ? createProgress({ text: () => 'quiet' }, context) : progress
  const foreign = spec.services.filter(({ name }) => services[name]?.['build'] === undefined)
  const images = new Map(foreign.map(({ container }) => [container.image, container.pullPolicy]))
  await mapParallel([...images], PARALLEL, async ([image, policy]) => {
    const isWanted = policy === 'always' || (policy !== 'never' && (await findImage(image, api)) === undefined)
    if (isWanted) await carryImage('pull', image, { api, context, progress: quiet })
  })
}
