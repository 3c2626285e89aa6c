import type { NetworkSpec, ProjectSpec, VolumeSpec } from '../../core/model/service.ts'
import type { TreeReader } from '../files/tree-reader.ts'
import type { Project } from '../load-project.ts'
import { PathError, type Problem } from '../problem.ts'
import { asList, asText, asTree, type Tree } from '../tree.ts'
import { serviceSpec } from './service-spec.ts'
import { ShippedFiles } from './shipped-files.ts'
import { checkSupport } from './unsupported.ts'

export interface Converted {
  readonly spec: ProjectSpec
  /** What was written and has no effect. */
  readonly warnings: readonly string[]
}

/**
 * A loaded project as the manager takes it: names resolved, units in numbers, nothing that refers to this machine's files:
 * what services need of those comes along. Throws ComposeError naming everything that a cluster cannot do.
 */
export function toProjectSpec(project: Project, readTree: TreeReader): Converted {
  const { model, sources, name } = project
  const files = new ShippedFiles({ ...project, readTree })
  const support = checkSupport(model)
  const problems: Problem[] = [...support.problems]
  const networks = namesOf(model['networks'])
  const volumes = namesOf(model['volumes'])
  const aliases = linkAliases(asTree(model['services']))
  const services = Object.entries(asTree(model['services'])).flatMap(([key, service]) => {
    try {
      const names = { project: name, networks, volumes, files, sources, linkAliases: aliases.get(key) ?? [] }
      return [serviceSpec(key, asTree(service), names)]
    } catch (error) {
      if (!(error instanceof PathError)) throw error
      problems.push({ message: error.message, path: error.path })
      return []
    }
  })
  const networkSpecs = Object.entries(asTree(model['networks'])).map(([key, network]) =>
    networkSpec(key, asTree(network), problems),
  )
  const contents = files.contents()
  sources.refuse([...problems, ...files.problems])
  const spec: ProjectSpec = {
    name,
    services,
    networks: networkSpecs,
    volumes: Object.entries(asTree(model['volumes'])).map(([key, volume]) => volumeSpec(key, asTree(volume))),
    workingDir: project.workingDir,
    configFiles: project.configFiles,
    ...(Object.keys(contents).length === 0 ? {} : { contents }),
  }
  return { spec, warnings: [...support.warnings, ...files.warnings] }
}

export function namesOf(section: unknown): ReadonlyMap<string, string> {
  return new Map(Object.entries(asTree(section)).map(([key, resource]) => [key, asText(asTree(resource)['name'])]))
}

/** `links: [db:database]` gives `db` another name. */
function linkAliases(services: Tree): ReadonlyMap<string, readonly string[]> {
  const aliases = new Map<string, string[]>()
  for (const service of Object.values(services)) {
    for (const link of asList(asTree(service)['links'])) {
      const [target = '', alias] = asText(link).split(':')
      if (alias !== undefined) aliases.set(target, [...(aliases.get(target) ?? []), alias])
    }
  }
  return aliases
}

function networkSpec(key: string, network: Tree, problems: Problem[]): NetworkSpec {
  const subnets = asList(asTree(network['ipam'])['config']).map(entry => asTree(entry)['subnet'])
  if (subnets.length > 1) {
    const path = ['networks', key, 'ipam', 'config']
    problems.push({ message: `networks.${key}.ipam.config: only one subnet is supported`, path })
  }
  const [subnet] = subnets
  return {
    name: asText(network['name']),
    key,
    external: network['external'] === true,
    internal: network['internal'] === true,
    ...(typeof subnet === 'string' ? { subnet } : {}),
    labels: texts(network['labels']),
  }
}

export function volumeSpec(key: string, volume: Tree): VolumeSpec {
  return {
    name: asText(volume['name']),
    key,
    external: volume['external'] === true,
    driver: asText(volume['driver']) || 'local',
    driverOptions: texts(volume['driver_opts']),
    labels: texts(volume['labels']),
  }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asTree(value)).map(([key, field]) => [key, asText(field)]))
}
