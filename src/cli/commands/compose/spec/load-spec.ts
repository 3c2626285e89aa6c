import {
  loadProject,
  nodeFileReader,
  nodeTreeReader,
  type Project,
  toEngineSpec,
  toProjectSpec,
} from '../../../../compose/index.ts'
import { invalidInput } from '../../../../core/errors.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import type { ManagerApi } from '../manager-api.ts'
import { loadOptions } from './project-options.ts'

export interface LoadedSpec {
  readonly project: Project
  readonly spec: ProjectSpec
}

/** Loads the files into what the manager takes, or one engine; with service names, only those and what they depend on. */
export async function loadSpec(
  { globals, options }: Invocation,
  context: CommandContext,
  { services, api }: { readonly services: readonly string[]; readonly api: Pick<ManagerApi, 'runner'> },
): Promise<LoadedSpec> {
  const load = await loadOptions(globals, context, { services, withDependencies: options.choice('deps') !== false })
  const project = loadProject(load, nodeFileReader)
  const isEngine = (await api.runner()) === 'engine'
  const { spec, warnings } = isEngine ? toEngineSpec(project) : toProjectSpec(project, nodeTreeReader)
  for (const warning of warnings) context.stderr.write(`Warning: ${warning}\n`)
  const scales = parseScales(options.list('scale'))
  for (const name of scales.keys()) requireNamed(project.serviceNames, name)
  // A number for a service that is not asked about changes nothing, as with docker compose.
  const isAsked = (name: string): boolean => spec.services.some(service => service.name === name)
  return { project, spec: withScales(spec, new Map([...scales].filter(([name]) => isAsked(name)))) }
}

/** Reads `web=3`. Throws BAD_FLAG. */
export function parseScales(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    texts.map(text => {
      const [, service, digits] = /^([^=]+)=(\d+)$/.exec(text) ?? []
      if (service === undefined) {
        throw invalidInput('BAD_FLAG', `Cannot read scale "${text}": expected SERVICE=NUMBER, such as web=3`)
      }
      return [service, Number(digits)] as const
    }),
  )
}

/** The same project with other numbers of replicas. Throws for a service that is not in it. */
export function withScales(spec: ProjectSpec, scales: ReadonlyMap<string, number>): ProjectSpec {
  for (const name of scales.keys()) requireService(spec, name)
  return {
    ...spec,
    services: spec.services.map(service => ({ ...service, replicas: scales.get(service.name) ?? service.replicas })),
  }
}

export function requireService(spec: ProjectSpec, name: string): void {
  requireNamed(
    spec.services.map(service => service.name),
    name,
  )
}

function requireNamed(names: readonly string[], name: string): void {
  if (names.includes(name)) return
  const known = names.join(', ')
  throw invalidInput('NO_SUCH_SERVICE', `no such service: ${name}. The services are ${known === '' ? 'none' : known}`)
}

/** Adds the services of the running project that are not asked about, as they are, so that they stay as they are. */
export function keepOthers(
  spec: ProjectSpec,
  running: ProjectSpec | undefined,
  keep: (name: string) => boolean,
): ProjectSpec {
  if (running === undefined) return spec
  const missing = <T extends { readonly name: string }>(mine: readonly T[], theirs: readonly T[]): readonly T[] =>
    theirs.filter(other => !mine.some(own => own.name === other.name))
  const services = missing(spec.services, running.services).filter(service => keep(service.name))
  if (services.length === 0) return spec
  return {
    ...spec,
    services: [...spec.services, ...services],
    networks: [...spec.networks, ...missing(spec.networks, running.networks)],
    volumes: [...spec.volumes, ...missing(spec.volumes, running.volumes)],
  }
}
