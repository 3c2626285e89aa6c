import { invalidInput } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { filterQuery, type VolumeInspect } from '../../../../docker-api/index.ts'
import { printVolumes } from '../../volume/volumes.ts'
import { isInFiles } from '../spec/files-of-project.ts'
import { requireService } from '../spec/load-spec.ts'
import { projectName } from '../spec/project-name.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'

/** `compose volumes`: the volumes of the project, or those that containers of services have mounted. */
export const runVolumes = withManager(async command => {
  const { api, args, globals, context, manager } = command
  const project = await projectName(globals, context)
  // Volumes of a cluster carry no labels of docker compose; its manager knows which are the project's.
  const view = (await manager.runner()) === 'manager' ? await manager.project(project) : undefined
  const isKnown = args.length === 0 || view !== undefined ? () => true : await isInFiles(globals, context)
  for (const name of args) if (!isKnown(name)) throw invalidInput('NO_SUCH_SERVICE', `no such service: ${name}`)
  const own = view === undefined ? undefined : new Set(view.spec.volumes.map(({ name }) => name))
  const filters = own === undefined ? filterQuery({ label: [`${COMPOSE_LABELS.project}=${project}`] }) : undefined
  const { Volumes } = await api.ask<{ Volumes: readonly VolumeInspect[] | null }>('GET', '/volumes', {
    query: { filters },
  })
  if (view !== undefined) for (const name of args) requireService(view.spec, name)
  const mounted = args.length === 0 ? undefined : await mountedBy(args, project, command)
  const isShown = (name: string): boolean => own?.has(name) !== false && mounted?.has(name) !== false
  printVolumes(
    command,
    // A manager may put the host before the name.
    (Volumes ?? []).filter(({ Name }) => isShown(Name.replace(/^.*\//, ''))),
  )
})

async function mountedBy(
  services: readonly string[],
  project: string,
  { manager }: ComposeCommand,
): Promise<ReadonlySet<string>> {
  const filters = { label: [`${COMPOSE_LABELS.project}=${project}`] }
  const containers = await manager.engine.containers.list({ all: true, filters })
  const meant = containers.filter(({ Labels }) => services.includes(Labels[COMPOSE_LABELS.service] ?? ''))
  return new Set(meant.flatMap(({ Mounts }) => Mounts.flatMap(({ Name }) => Name ?? [])))
}
