import { problem } from './problem.ts'
import { asList, asText, asTree, fromEntries, isList, isTree, type Tree, without } from './tree.ts'

export interface Selection {
  readonly profiles: readonly string[]
  /** Services named on the command line; none means all. */
  readonly services: readonly string[]
  /** Whether dependencies of the named services come along. */
  readonly withDependencies: boolean
}

/** The services that are wanted, and those that exist but whose profile is not active. */
export interface Selected {
  readonly enabled: Tree
  readonly disabled: Tree
}

/** Splits services by profile; naming a service switches its profiles on. */
export function applyProfiles(services: Tree, { profiles, services: named }: Selection): Selected {
  const activated = named.flatMap(name => asList(asTree(services[name])['profiles']).map(asText))
  const active = new Set([...profiles, ...activated])
  const isOn = (service: unknown): boolean => {
    const own = asList(asTree(service)['profiles']).map(asText)
    return own.length === 0 || active.has('*') || own.some(profile => active.has(profile))
  }
  const entries = Object.entries(services)
  return {
    enabled: fromEntries(entries.filter(([, service]) => isOn(service))),
    disabled: fromEntries(entries.filter(([, service]) => !isOn(service))),
  }
}

/** Keeps the named services with what they depend on. Throws ComposeError for a name that is no service. */
export function selectServices(services: Tree, { services: named, withDependencies }: Selection): Tree {
  if (named.length === 0) return services
  const kept = new Set<string>()
  const visit = (name: string, by: string | undefined): void => {
    if (kept.has(name)) return
    const service = services[name]
    if (!isTree(service)) {
      if (by !== undefined) return
      throw problem(`no such service: ${name}. The services are ${Object.keys(services).sort().join(', ')}`)
    }
    kept.add(name)
    if (withDependencies) for (const next of Object.keys(asTree(service['depends_on']))) visit(next, name)
  }
  for (const name of named) visit(name, undefined)
  return fromEntries(
    Object.entries(services)
      .filter(([name]) => kept.has(name))
      .map(([name, service]) => [name, withDependencies ? service : pruneDependencies(asTree(service), kept)]),
  )
}

function pruneDependencies(service: Tree, kept: ReadonlySet<string>): Tree {
  if (!isTree(service['depends_on'])) return service
  const rest = fromEntries(Object.entries(service['depends_on']).filter(([name]) => kept.has(name)))
  return Object.keys(rest).length === 0 ? without(service, 'depends_on') : { ...service, depends_on: rest }
}

/** Removes networks, volumes, secrets, configs and models that no service uses. */
export function pruneResources(model: Tree): Tree {
  const services = Object.values(asTree(model['services'])).map(asTree)
  const used: Readonly<Record<string, ReadonlySet<string>>> = {
    networks: new Set(services.flatMap(service => Object.keys(asTree(service['networks'])))),
    volumes: new Set(services.flatMap(service => mounted(service['volumes']))),
    secrets: new Set(
      services.flatMap(service => [...sources(service['secrets']), ...sources(asTree(service['build'])['secrets'])]),
    ),
    configs: new Set(
      services.flatMap(service => [
        ...sources(service['configs']),
        ...asList(asTree(service['credential_spec'])['config']).map(asText),
      ]),
    ),
    models: new Set(services.flatMap(service => Object.keys(asTree(service['models'])))),
  }
  return fromEntries(
    Object.entries(model).map(([key, section]) => {
      const keep = used[key]
      if (keep === undefined || !isTree(section)) return [key, section]
      return [key, fromEntries(Object.entries(section).filter(([name]) => keep.has(name)))]
    }),
  )
}

function mounted(volumes: unknown): readonly string[] {
  return asList(volumes).flatMap(volume => {
    const mount = asTree(volume)
    return mount['type'] === 'volume' && typeof mount['source'] === 'string' ? [mount['source']] : []
  })
}

function sources(list: unknown): readonly string[] {
  return isList(list) ? list.map(entry => asText(asTree(entry)['source'])) : []
}
