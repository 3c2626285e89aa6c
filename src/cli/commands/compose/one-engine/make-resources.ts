import { errorMessage } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { EndpointConfig, Engine, NetworkCreateRequest, NetworkInspect } from '../../../../docker-api/index.ts'
import type { Converging } from './converge.ts'
import { type ResourcePlan, unlessMissing } from './resources.ts'

const PARALLEL = 4

type Run = Pick<Converging, 'engine' | 'tell' | 'warn'>

/** Does what was planned for the networks and volumes of a project. */
export async function makeResources(resources: readonly ResourcePlan[], run: Run): Promise<void> {
  await mapParallel(resources, PARALLEL, async resource => {
    if (resource.does === 'nothing') return
    const { kind, name } = resource.step
    const what = `${kind === 'network' ? 'Network' : 'Volume'} ${name}`
    run.tell(what, 'Creating')
    await make(resource, run)
    run.tell(what, 'Created')
  })
}

async function make(resource: Exclude<ResourcePlan, { does: 'nothing' }>, run: Run): Promise<unknown> {
  switch (resource.does) {
    case 'create-network':
      return run.engine.networks.create(resource.request)
    case 'create-volume':
      return run.engine.volumes.create(resource.request)
    case 'replace-network':
      return replaceNetwork(resource.request, resource.old.Id, run)
  }
}

/** Whoever is on it is taken off; those containers are made anew anyway. What cannot be done leaves it as it was. */
async function replaceNetwork(request: NetworkCreateRequest, id: string, run: Run): Promise<unknown> {
  const { engine } = run
  const old = await engine.networks.inspect(id)
  const endpoints = await endpointsOn(old, engine)
  const off: (readonly [container: string, endpoint: EndpointConfig])[] = []
  let isGone = false
  try {
    for (const [container, endpoint] of endpoints) {
      await engine.networks.disconnect(id, container, { force: true })
      off.push([container, endpoint])
    }
    await engine.networks.remove(id)
    isGone = true
    return await engine.networks.create(request)
  } catch (error) {
    await putBack({ old, off, isGone }, run)
    throw error
  }
}

/** How those that are on a network are on it, by container. */
async function endpointsOn(
  { Name, Containers }: NetworkInspect,
  engine: Engine,
): Promise<readonly (readonly [string, EndpointConfig])[]> {
  return Promise.all(
    Object.keys(Containers ?? {}).map(async id => {
      const there = await unlessMissing(engine.containers.inspect(id))
      return [id, endpointOf(there?.NetworkSettings.Networks[Name])] as const
    }),
  )
}

type Shown = Partial<Pick<EndpointConfig, 'Aliases' | 'DriverOpts' | 'IPAMConfig' | 'Links'>>

/** What was asked for, and not what came of it: an address that the engine chose is chosen anew. */
function endpointOf({ Aliases, DriverOpts, IPAMConfig, Links }: Shown = {}): EndpointConfig {
  return {
    ...(Aliases ? { Aliases } : {}),
    ...(DriverOpts ? { DriverOpts } : {}),
    ...(IPAMConfig ? { IPAMConfig } : {}),
    ...(Links ? { Links } : {}),
  }
}

interface Before {
  readonly old: NetworkInspect
  readonly off: readonly (readonly [container: string, endpoint: EndpointConfig])[]
  readonly isGone: boolean
}

/** The error that is the reason is told by the caller. */
async function putBack({ old, off, isGone }: Before, { engine, warn }: Run): Promise<void> {
  try {
    const id = isGone ? (await engine.networks.create(requestFor(old))).Id : old.Id
    for (const [container, endpoint] of off) await engine.networks.connect(id, container, endpoint)
    warn(`Network ${old.Name} could not be made anew, and is as it was`)
  } catch (error) {
    const advice = 'the next `compose up` makes it, and the containers on it, anew'
    warn(`Network ${old.Name} could not be put back: ${errorMessage(error)}; ${advice}`)
  }
}

/** What makes a network like one that is there. Pure. */
export function requestFor(network: NetworkInspect): NetworkCreateRequest {
  const { Name, Driver, Internal, Attachable, EnableIPv6, IPAM, Options, Labels } = network
  return { Name, Driver, Internal, Attachable, EnableIPv6, IPAM, Options, Labels, CheckDuplicate: true }
}
