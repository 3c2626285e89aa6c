import type { ProjectSummary } from '../../../core/model/control-api.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'
import { managerApi } from './manager-api.ts'

const LISTING: ListingFormat<ProjectSummary> = {
  id: project => project.name,
  columns: [
    { title: 'NAME', of: project => project.name },
    { title: 'STATUS', of: status },
    { title: 'SERVICES', of: project => String(project.services) },
    { title: 'CONFIG FILES', of: project => (project.configFiles ?? []).join(',') },
  ],
  record: project => ({
    Name: project.name,
    Status: status(project),
    Services: project.services,
    ConfigFiles: (project.configFiles ?? []).join(','),
  }),
}

/** `compose ls`: the projects of the cluster. */
export async function runLs(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const names = options.list('filter').flatMap(filter => /^name=(.*)$/.exec(filter)?.[1] ?? [])
  const projects = (await managerApi(invocation, context).projects())
    .filter(project => names.every(name => project.name.includes(name)))
    .filter(project => options.flag('all') || project.wanted > 0)
  context.stdout.write(
    renderListing(projects, LISTING, { format: options.text('format'), quiet: options.flag('quiet') }),
  )
  return 0
}

function status({ removing, running, wanted, converged, status: onEngine }: ProjectSummary): string {
  if (onEngine !== undefined) return onEngine
  if (removing) return `removing(${running})`
  return converged ? `running(${running})` : `running(${running} of ${wanted})`
}
