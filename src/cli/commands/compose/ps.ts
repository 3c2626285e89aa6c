import { invalidInput } from '../../../core/errors.ts'
import type { TaskView } from '../../../core/model/control-api.ts'
import { isTerminal } from '../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { humanDuration } from '../../output/duration.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'
import { managerApi } from './manager-api.ts'
import { projectName } from './spec/project-name.ts'
import { stateWord, statusText } from './watch/task-status.ts'

/** `compose ps`: the replicas of a project, where they run, and why those that do not run do not. */
export async function runPs(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  const name = await projectName(globals, context)
  const api = managerApi(invocation, context)
  const view = await api.project(name)
  const known = new Set((view?.spec.services ?? []).map(service => service.name))
  for (const service of args) {
    if (!known.has(service)) throw invalidInput('NO_SUCH_SERVICE', `no such service: ${service}`)
  }
  const statuses = [...options.list('status'), ...options.list('filter').flatMap(statusFilter)]
  const tasks = (view?.tasks ?? [])
    .filter(task => args.length === 0 || args.includes(task.service))
    .filter(task => isShown(task, { all: options.flag('all'), statuses }))
    .toSorted((a, b) => compareText(a.service, b.service) || a.slot - b.slot || b.createdAtMs - a.createdAtMs)
  if (options.flag('services')) {
    const services = [...new Set(tasks.map(task => task.service))].sort()
    context.stdout.write(services.map(service => `${service}\n`).join(''))
    return 0
  }
  const shorten = options.choice('trunc') !== false
  const all = taskListing(context.clock.nowMs(), shorten)
  const hasNodes = (await api.runner()) === 'manager'
  const listing = hasNodes ? all : { ...all, columns: all.columns.filter(({ title }) => title !== 'NODE') }
  context.stdout.write(renderListing(tasks, listing, { format: options.text('format'), quiet: options.flag('quiet') }))
  return 0
}

function statusFilter(text: string): readonly string[] {
  const [key, value] = text.split('=')
  if (key !== 'status' || value === undefined) {
    throw invalidInput('BAD_FLAG', `Cannot filter by "${text}": expected status=running, status=exited, …`)
  }
  return [value]
}

function isShown(task: TaskView, { all, statuses }: { all: boolean; statuses: readonly string[] }): boolean {
  if (statuses.length > 0) return statuses.includes(stateWord(task))
  // What is lost is wanted, and has not ended as far as anybody knows.
  return all || (task.desired === 'running' && (!isTerminal(task.state) || task.state === 'orphaned'))
}

function taskListing(nowMs: number, shorten: boolean): ListingFormat<TaskView> {
  return {
    id: task => task.containerId ?? task.id,
    columns: [
      { title: 'NAME', of: task => task.name },
      { title: 'IMAGE', of: task => task.image },
      { title: 'COMMAND', of: task => quoted(task.command, shorten) },
      { title: 'SERVICE', of: task => task.service },
      { title: 'CREATED', of: task => `${humanDuration(Math.max(0, nowMs - task.createdAtMs))} ago` },
      { title: 'STATUS', of: task => statusText(task, nowMs) },
      { title: 'PORTS', of: task => task.ports.join(', ') },
      { title: 'NODE', of: task => task.node ?? '' },
    ],
    record: task => ({
      ID: task.containerId ?? '',
      Name: task.name,
      Command: task.command,
      Project: task.project,
      Service: task.service,
      Image: task.image,
      State: stateWord(task),
      Health: task.health === 'none' ? '' : task.health,
      Status: statusText(task, nowMs),
      ExitCode: task.exitCode ?? 0,
      Node: task.node ?? '',
      Task: task.id,
      Ports: task.ports.join(', '),
      Publishers: task.ports.flatMap(publisher),
      Error: task.error ?? '',
      PendingReasons: task.pendingReasons ?? [],
    }),
  }
}

function quoted(command: string, shorten: boolean): string {
  const short = shorten && command.length > 20 ? `${command.slice(0, 19)}…` : command
  return `"${short}"`
}

function publisher(text: string): readonly object[] {
  const [, url = '', published, target, protocol] = /^(.*):(\d+)->(\d+)\/(\w+)$/.exec(text) ?? []
  if (published === undefined) return []
  return [
    {
      URL: url === '*' ? '0.0.0.0' : url,
      TargetPort: Number(target),
      PublishedPort: Number(published),
      Protocol: protocol,
    },
  ]
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
