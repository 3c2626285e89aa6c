import { asText, asTree } from '../../../../compose/index.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { EngineService } from './container-request.ts'

/** The version of docker compose whose labels these are. */
export const LABELS_VERSION = '2.30.0'

/** Docker compose's labels of a container, by which it and we know it again. Pure. */
export function composeLabels(
  { project, service }: EngineService,
  { hash, number, imageId }: { readonly hash: string; readonly number: number; readonly imageId: string | undefined },
): Readonly<Record<string, string>> {
  return {
    [COMPOSE_LABELS.hash]: hash,
    [COMPOSE_LABELS.number]: String(number),
    [COMPOSE_LABELS.dependsOn]: dependsOn(project.dependencies[service.name]),
    ...(imageId === undefined ? {} : { [COMPOSE_LABELS.image]: imageId }),
    [COMPOSE_LABELS.oneOff]: 'False',
    [COMPOSE_LABELS.project]: project.name,
    [COMPOSE_LABELS.configFiles]: project.configFiles.join(','),
    [COMPOSE_LABELS.workingDir]: project.workingDir,
    [COMPOSE_LABELS.service]: service.name,
    [COMPOSE_LABELS.version]: LABELS_VERSION,
  }
}

function dependsOn(dependencies: unknown): string {
  return Object.entries(asTree(dependencies))
    .map(([name, dependency]) => {
      const { condition, restart } = asTree(dependency)
      return `${name}:${asText(condition) || 'service_started'}:${restart === true}`
    })
    .join(',')
}
