import { serviceHash, servicesOf } from '../../../../compose/index.ts'
import type { ServiceSpec } from '../../../../core/model/service.ts'
import { newHexId } from '../../../../core/random.ts'
import { runHooks } from '../../../../docker-api/index.ts'
import type { Options } from '../../../command.ts'
import { type Beside, createWithImage, StartFailed, start, talk } from '../../container/run.ts'
import type { ContainerPlan } from '../one-engine/container-request.ts'
import { HOOK_MS_MAX } from '../one-engine/with-hooks.ts'
import type { LoadedSpec } from '../spec/load-spec.ts'
import { wantsTerminal } from '../wants-terminal.ts'
import type { ComposeCommand } from '../with-manager.ts'
import { type OneOff, runRequest } from './run-request.ts'

/** Letters of a slug that stand in a name. */
const SHORT = 12

export interface NamedPlan extends ContainerPlan {
  readonly name: string
  /** `linux/arm64`; of one engine, a cluster places by it. */
  readonly platform?: string
}

/** What an engine is asked for; `plan` says how one engine is asked for a replica. */
export function requestOf(
  { args, options, context }: ComposeCommand,
  { project, spec, service: serviceName }: LoadedSpec & { readonly service: string },
  plan?: OneOff['plan'],
): NamedPlan {
  const service = spec.services.find(({ name }) => name === serviceName)
  if (service === undefined) throw new RangeError('The loader lets no other service through')
  const slug = newHexId(context.random)
  const name = options.text('name') ?? `${spec.name}-${service.name}-run-${slug.slice(0, SHORT)}`
  const oneOff = {
    project: spec,
    service,
    name,
    slug,
    hash: serviceHash(servicesOf(project.model)[serviceName] ?? {}),
    command: args.slice(1),
    tty: wantsTerminal(options, context),
    interactive: options.choice('interactive') !== false,
    plan,
  }
  const platform = plan === undefined ? undefined : servicesOf(project.model)[serviceName]?.['platform']
  const place = typeof platform === 'string' ? { platform } : {}
  return { name, ...place, ...runRequest(oneOff, options, context) }
}

/** The flags of `docker run` that making a container reads. */
function withName(options: Options, { name, platform }: Pick<NamedPlan, 'name' | 'platform'>): Options {
  const pull = options.text('pull')
  const texts = new Map([
    ['name', name],
    ['platform', platform],
    ['pull', pull === 'policy' ? undefined : pull],
  ])
  return {
    ...options,
    flag: flag => options.flag(flag) || (flag === 'quiet' && options.flag('quietPull')),
    text: flag => (texts.has(flag) ? texts.get(flag) : options.text(flag)),
  }
}

export interface Once {
  /** What is run, of which `post_start` is done in the container. */
  readonly service: ServiceSpec | undefined
  /** Done with the container before it is started. */
  readonly prepare: (id: string) => Promise<void>
}

/**
 * Makes the container and starts it; resolves with its exit code, or with 0 once it runs if nobody is to talk to it. Throws HOOK_FAILED,
 * when it has ended well, for what its service wanted done in it and was not; warns of that when it has not, or the person detached.
 */
export async function runOnce(compose: ComposeCommand, plan: NamedPlan, { service, prepare }: Once): Promise<number> {
  const command = { ...compose, options: withName(compose.options, plan) }
  const { options, context } = command
  const { request } = plan
  const id = await createWithImage(command, request)
  try {
    await prepare(id)
  } catch (error) {
    // Never started: not even --rm would take it away.
    await compose.manager.engine.containers.remove(id, { force: true, volumes: true }).catch(() => {})
    throw error
  }
  const { engine } = compose.manager
  const { clock } = context
  const hooks = service?.container.postStart ?? []
  const afterStart: Beside = signal =>
    runHooks(
      id,
      { service: service?.name ?? '', kind: 'post_start', hooks, deadlineMs: HOOK_MS_MAX },
      { engine, clock, signal },
    )
  try {
    if (!options.flag('detach')) return await talk(command, id, request, afterStart)
    await start(command, id)
    await afterStart(context.signal)
    if (!options.flag('quiet')) context.stdout.write(`${id}\n`)
    return 0
  } catch (error) {
    throw error instanceof StartFailed ? error.cause : error
  }
}
