import { STARTED } from './merge/forms.ts'
import { asList, asText, asTree, fromEntries, isTree, mapValues, type Tree } from './tree.ts'

/** Makes explicit what compose adds by itself: the default network, implied dependencies, the names of resources. */
export function normalise(model: Tree, projectName: string): Tree {
  const services = mapValues(asTree(model['services']), service =>
    isTree(service) ? normaliseService(service) : service,
  )
  const usesDefault = Object.values(services).some(service => 'default' in asTree(asTree(service)['networks']))
  const declared = asTree(model['networks'])
  const networks = usesDefault && !('default' in declared) ? { ...declared, default: null } : declared
  return {
    ...model,
    services,
    ...section('networks', networks, projectName),
    ...section('volumes', model['volumes'], projectName),
    ...section('secrets', model['secrets'], projectName),
    ...section('configs', model['configs'], projectName),
  }
}

function section(key: string, resources: unknown, projectName: string): Tree {
  if (!isTree(resources) || Object.keys(resources).length === 0) return resources === undefined ? {} : { [key]: {} }
  return { [key]: mapValues(resources, (resource, name) => named(asTree(resource), name, projectName)) }
}

function named(resource: Tree, key: string, projectName: string): Tree {
  if (typeof resource['name'] === 'string' && resource['name'] !== '') return resource
  return { name: resource['external'] === true ? key : `${projectName}_${key}`, ...resource }
}

function normaliseService(service: Tree): Tree {
  const dependsOn = { ...impliedDependencies(service), ...asTree(service['depends_on']) }
  const pullPolicy = service['pull_policy'] === 'if_not_present' ? 'missing' : service['pull_policy']
  return fromEntries([
    ...Object.entries(service),
    ['networks', attachedNetworks(service)],
    ['depends_on', Object.keys(dependsOn).length === 0 ? undefined : dependsOn],
    ['pull_policy', pullPolicy],
  ])
}

function attachedNetworks(service: Tree): unknown {
  if (service['network_mode'] !== undefined || service['provider'] !== undefined) return service['networks']
  const written = service['networks']
  return isTree(written) && Object.keys(written).length > 0 ? written : { default: null }
}

const NAMESPACES = ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']

/** A service cannot start before what it shares with another exists; a restart of that one breaks what is shared. */
function impliedDependencies(service: Tree): Tree {
  const links = asList(service['links']).map(link => asText(link).split(':')[0] ?? '')
  const shared = NAMESPACES.flatMap(key => serviceReference(service[key]) ?? [])
  const volumes = asList(service['volumes_from']).flatMap(entry => {
    const [name = ''] = asText(entry).split(':')
    return asText(entry).startsWith('container:') ? [] : [name]
  })
  return {
    ...fromEntries(volumes.map(name => [name, { ...STARTED, restart: false }])),
    ...fromEntries([...links, ...shared].map(name => [name, { ...STARTED, restart: true }])),
  }
}

/** The service in `service:x`. */
export function serviceReference(value: unknown): string | undefined {
  return /^service:(.+)$/.exec(asText(value))?.[1]
}
