import { notFound } from '../../../../core/errors.ts'
import { pickReplica, portNumber, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose port SERVICE PORT`: where a port of a service is answered. Of a port that every host answers, the replica's own host. */
export const runPort = withManager(async command => {
  const { args, options, context, manager } = command
  const [service = '', written = ''] = args
  const [number = '', inPort] = written.split('/')
  const protocol = inPort ?? options.text('protocol') ?? 'tcp'
  const target = portNumber(number)
  const task = pickReplica(await viewProject(command, context, manager), service, options.number('index'))
  const ending = `->${target}/${protocol}`
  const address = task.ports.find(port => port.endsWith(ending))?.slice(0, -ending.length)
  if (address === undefined) {
    const known = task.ports.length === 0 ? 'none' : task.ports.join(', ')
    throw notFound('NO_SUCH_PORT', `no port ${target}/${protocol} for container ${task.name}: ${known}`)
  }
  const { address: host = '0.0.0.0' } = task
  context.stdout.write(`${address.replace(/^\*:/, `${host.includes(':') ? `[${host}]` : host}:`)}\n`)
})
