import type { CommandContext } from '../../command.ts'
import { contextName } from '../../engine/docker-context.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { dockerTypes } from '../../output/go-template/go-types.ts'
import { compileTemplate } from '../../output/go-template/render.ts'
import { binarySize } from '../../output/size.ts'

type Info = Readonly<Record<string, unknown>>

/** `shoal info`: what the engine says of itself and its host. */
export function infoCommand(version: string) {
  return withEngine(async (command: EngineCommand) => {
    const { api, options, context } = command
    const info = await api.ask<Info>('GET', '/info')
    const format = options.text('format') ?? ''
    if (format === 'json') context.stdout.write(`${JSON.stringify(info)}\n`)
    else if (format !== '') context.stdout.write(`${compileTemplate(format, { typesOf: dockerTypes })(info)}\n`)
    else showAll(info, { version, name: contextName(command, context) }, context)
  })
}

function showAll(
  info: Info,
  { version, name }: { readonly version: string; readonly name: string },
  { stdout, stderr }: CommandContext,
): void {
  stdout.write(`Client:\n Version:    ${version}\n Context:    ${name}\n Debug Mode: false\n\nServer:\n`)
  stdout.write(
    serverLines(info)
      .map(line => ` ${line}\n`)
      .join(''),
  )
  stdout.write('\n')
  stderr.write(
    list(info['Warnings'])
      .map(warning => `${warning}\n`)
      .join(''),
  )
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : [])
const inside = (value: unknown): Info => (typeof value === 'object' && value !== null ? (value as Info) : {})
const pairs = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map((pair: readonly string[]) => ` ${pair[0] ?? ''}: ${pair[1] ?? ''}`) : []

/** A line where the engine says something. */
function line(title: string, value: unknown): readonly string[] {
  return value === undefined || value === null || value === '' ? [] : [`${title}: ${text(value)}`]
}

/** A title with lines below it, if there are any. */
function block(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map(each => ` ${each}`)]
}

/** Docker's lines in docker's order. */
function serverLines(info: Info): readonly string[] {
  const memory = info['MemTotal']
  return [
    ...line('Containers', info['Containers']),
    ...line(' Running', info['ContainersRunning']),
    ...line(' Paused', info['ContainersPaused']),
    ...line(' Stopped', info['ContainersStopped']),
    ...line('Images', info['Images']),
    ...line('Server Version', info['ServerVersion']),
    ...line('Storage Driver', info['Driver']),
    ...pairs(info['DriverStatus']),
    ...pairs(info['SystemStatus']),
    ...line('Logging Driver', info['LoggingDriver']),
    ...line('Cgroup Driver', info['CgroupDriver']),
    ...line('Cgroup Version', info['CgroupVersion']),
    ...pluginLines(inside(info['Plugins'])),
    ...line('Swarm', inside(info['Swarm'])['LocalNodeState']),
    ...runtimeLines(info),
    ...securityLines(list(info['SecurityOptions'])),
    ...line('Kernel Version', info['KernelVersion']),
    ...line('Operating System', info['OperatingSystem']),
    ...line('OSType', info['OSType']),
    ...line('Architecture', info['Architecture']),
    ...line('CPUs', info['NCPU']),
    ...line('Total Memory', typeof memory === 'number' ? binarySize(memory) : undefined),
    ...line('Name', info['Name']),
    ...line('ID', info['ID']),
    ...line('Docker Root Dir', info['DockerRootDir']),
    ...line('Debug Mode', info['Debug']),
    ...line('HTTP Proxy', info['HttpProxy']),
    ...line('HTTPS Proxy', info['HttpsProxy']),
    ...line('No Proxy', info['NoProxy']),
    ...block('Labels', list(info['Labels'])),
    ...line('Experimental', info['ExperimentalBuild']),
    ...registryLines(inside(info['RegistryConfig'])),
    ...line('Live Restore Enabled', info['LiveRestoreEnabled']),
  ]
}

function pluginLines(plugins: Info): readonly string[] {
  const kinds = ['Volume', 'Network', 'Authorization', 'Log']
  return block(
    'Plugins',
    kinds.flatMap(kind => line(kind, list(plugins[kind]).join(' '))),
  )
}

function runtimeLines(info: Info): readonly string[] {
  const version = (name: string): unknown => inside(info[name])['ID']
  if (info['OSType'] !== 'linux') return line('Default Runtime', info['DefaultRuntime'])
  return [
    ...line('Runtimes', Object.keys(inside(info['Runtimes'])).toSorted().join(' ')),
    ...line('Default Runtime', info['DefaultRuntime']),
    ...line('Init Binary', info['InitBinary']),
    ...line('containerd version', version('ContainerdCommit')),
    ...line('runc version', version('RuncCommit')),
    ...line('init version', version('InitCommit')),
  ]
}

/** `name=seccomp,profile=builtin` is a name, and below it what is said of it. */
function securityLines(options: readonly string[]): readonly string[] {
  const lines = options.flatMap(option => {
    const fields = option.split(',').map(field => field.split('='))
    return fields.map(([key = '', value = '']) =>
      key === 'name' ? value : ` ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`,
    )
  })
  return block('Security Options', lines)
}

function registryLines(config: Info): readonly string[] {
  const insecure = Object.entries(inside(config['IndexConfigs'])).flatMap(([name, index]) =>
    inside(index)['Secure'] === false ? [name] : [],
  )
  return [
    ...block('Insecure Registries', [...insecure, ...list(config['InsecureRegistryCIDRs'])]),
    ...block('Registry Mirrors', list(config['Mirrors'])),
  ]
}
