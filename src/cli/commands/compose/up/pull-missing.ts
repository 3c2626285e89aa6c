import { asText, servicesOf } from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import type { ContainerSpec } from '../../../../core/model/service.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { CommandContext } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { carryImage } from '../images/carry-image.ts'
import { findImage } from '../images/find-image.ts'
import type { ManagerApi } from '../manager-api.ts'
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
  const wishes = foreign.map(({ name, container: { image, pullPolicy, pullAfterMs } }): Wish => {
    return { image, pullPolicy, pullAfterMs, platform: asText(services[name]?.['platform']) }
  })
  const images = Map.groupBy(wishes, ({ image, platform }) => JSON.stringify([image, platform]))
  await mapParallel([...images.values()], PARALLEL, async same => {
    const { image, platform, pullPolicy, pullAfterMs } = same.reduce(strictest)
    if (pullPolicy === 'never') return
    const place = platform === '' ? {} : { platform }
    const pull = (): Promise<void> => carryImage('pull', image, { api, context, progress: quiet, ...place })
    if (pullPolicy === 'always' || (await findImage(image, api)) === undefined) return pull()
    if (pullAfterMs === undefined || (await ageOf(image, api, context)) < pullAfterMs) return
    await pull().catch((error: unknown) => {
      context.signal.throwIfAborted()
      // What is there runs.
      progress.warn(errorMessage(error))
    })
  })
}

interface Wish {
  readonly image: string
  /** Empty: the engine's own. */
  readonly platform: string
  readonly pullPolicy: ContainerSpec['pullPolicy']
  readonly pullAfterMs: number | undefined
}

/** Of two services of one image the one that asks for more is heard. */
function strictest(a: Wish, b: Wish): Wish {
  const isAlways = a.pullPolicy === 'always' || b.pullPolicy === 'always'
  const isNever = a.pullPolicy === 'never' && b.pullPolicy === 'never'
  const afterMs = Math.min(a.pullAfterMs ?? Number.POSITIVE_INFINITY, b.pullAfterMs ?? Number.POSITIVE_INFINITY)
  return {
    ...a,
    pullPolicy: isAlways ? 'always' : isNever ? 'never' : undefined,
    pullAfterMs: Number.isFinite(afterMs) ? afterMs : undefined,
  }
}

/** Milliseconds since an engine was given an image. */
async function ageOf(image: string, { engine }: ManagerApi, { clock }: CommandContext): Promise<number> {
  const { Metadata } = await engine.images.inspect(image)
  return clock.nowMs() - (Date.parse(Metadata?.LastTagTime ?? '') || 0)
}
