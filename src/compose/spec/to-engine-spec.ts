import type { NetworkSpec } from '../../core/model/service.ts'
import type { Project } from '../load-project.ts'
import { pathTable } from '../path-table.ts'
import { PathError, type Problem } from '../problem.ts'
import { asList, asText, asTree, type Tree, without } from '../tree.ts'
import { serviceSpec } from './service-spec.ts'
import { type Converted, namesOf, volumeSpec } from './to-project-spec.ts'
import {
  always,
  checkSupport,
  isOn,
  REFUSED_ANYWHERE,
  type Rule,
  rules,
  type SupportTables,
  TOLD_ANYWHERE,
  unless,
} from './unsupported.ts'

const HOOKS = 'is not supported: make it part of the command or the entrypoint'
const NO_STORE = 'is not supported: an engine keeps none; use file, environment or content'
const WINDOWS = 'is not supported: it is for Windows containers'

/** What one engine, or a client of one, cannot do. */
const ENGINE: SupportTables = {
  sections: ['services', 'networks', 'secrets', 'configs'],
  refused: pathTable<Rule>([
    ...rules(HOOKS, always, 'services.*.post_start', 'services.*.pre_start', 'services.*.pre_stop'),
    ...rules('is not supported: run the program as a service of its own', always, 'services.*.models'),
    ...rules('is not supported: run the program as a service of its own', always, 'services.*.provider'),
    ...rules('is not supported: mount the socket of the engine', isOn, 'services.*.use_api_socket'),
    ...rules(WINDOWS, always, 'services.*.credential_spec'),
    ...rules(WINDOWS, unless('default'), 'services.*.isolation'),
    ...rules(WINDOWS, unless('', '0'), 'services.*.cpu_count', 'services.*.cpu_percent'),
    ...rules('is not supported: use replicas', unless('replicated', 'global', ''), 'services.*.deploy.mode'),
    ...REFUSED_ANYWHERE,
    ...rules('is not supported: engines give no name to a device', always, 'services.*.networks.*.interface_name'),
    ...rules(NO_STORE, isOn, 'secrets.*.external', 'configs.*.external'),
    ...rules(NO_STORE, always, 'secrets.*.driver', 'secrets.*.template_driver', 'configs.*.template_driver'),
  ]),
  passedOver: pathTable<Rule>([
    ...rules(
      'has no effect on one engine',
      always,
      'services.*.deploy.endpoint_mode',
      'services.*.deploy.labels',
      'services.*.deploy.placement.max_replicas_per_node',
      'services.*.deploy.placement.constraints',
      'services.*.deploy.placement.preferences',
      'services.*.deploy.resources.reservations.cpus',
      'services.*.deploy.resources.reservations.generic_resources',
      'services.*.deploy.rollback_config',
      'services.*.deploy.update_config',
    ),
    ...rules('has no effect: engines on Linux know none', always, 'services.*.volumes.*.consistency'),
    ...TOLD_ANYWHERE,
    ...rules(
      'has no effect: containers are given the content alone',
      always,
      'configs.*.labels',
      'secrets.*.driver_opts',
      'secrets.*.labels',
    ),
  ]),
}

/**
 * A loaded project for one Docker engine: its paths are paths of the engine's host, so nothing is shipped. Throws ComposeError
 * naming everything that cannot be done.
 */
export function toEngineSpec(project: Project): Converted {
  const { model, sources, name } = project
  const { problems: refused, warnings } = checkSupport(model, ENGINE)
  const problems: Problem[] = [...refused]
  const names = {
    project: name,
    networks: namesOf(model['networks']),
    volumes: namesOf(model['volumes']),
    files: { filesOf: () => [] },
    sources: { isLocalBind: () => false },
    linkAliases: [],
  }
  const services = Object.entries(asTree(model['services'])).flatMap(([key, service]) => {
    try {
      return [serviceSpec(key, clusterWords(asTree(service)), names)]
    } catch (error) {
      if (!(error instanceof PathError)) throw error
      problems.push({ message: error.message, path: error.path })
      return []
    }
  })
  sources.refuse(problems)
  const spec = {
    name,
    services,
    networks: Object.entries(asTree(model['networks'])).map(([key, network]) => networkSpec(key, asTree(network))),
    volumes: Object.entries(asTree(model['volumes'])).map(([key, volume]) => volumeSpec(key, asTree(volume))),
    workingDir: project.workingDir,
    configFiles: project.configFiles,
  }
  return { spec, warnings: [...warnings, ...mountedFiles(model)] }
}

/** Secrets and configs that are files of the host are mounted as they are: whose they are there is whose they are. */
function mountedFiles(model: Tree): readonly string[] {
  return Object.entries(asTree(model['services'])).flatMap(([name, service]) =>
    ['secrets', 'configs'].flatMap(kind =>
      asList(asTree(service)[kind]).flatMap((entry, index) => {
        const grant = asTree(entry)
        const { file } = asTree(asTree(model[kind])[asText(grant['source'])])
        if (file === undefined) return []
        const keys = ['uid', 'gid', 'mode'].filter(key => grant[key] !== undefined)
        return keys.map(
          key => `services.${name}.${kind}.${index}.${key} has no effect on a file that is mounted as it is`,
        )
      }),
    ),
  )
}

/** Without what only an engine can do: that is read from the model when a container is made. */
function clusterWords(service: Tree): Tree {
  const ports = asList(service['ports']).filter(port => /^\d*$/.test(asText(asTree(port)['published'])))
  return { ...without(service, 'restart'), ports }
}

function networkSpec(key: string, network: Tree): NetworkSpec {
  const external = network['external'] === true
  return { name: asText(network['name']), key, external, internal: network['internal'] === true, labels: {} }
}
