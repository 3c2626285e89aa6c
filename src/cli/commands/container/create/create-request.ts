import { readFileSync } from 'node:fs'
import { parseDuration } from '../../../../core/duration.ts'
import { errorMessage, invalidInput } from '../../../../core/errors.ts'
import type { ContainerCreateRequest, EndpointConfig } from '../../../../docker-api/index.ts'
import type { CommandContext, Environment, Invocation, Options } from '../../../command.ts'
import { readFieldFlags } from './read-fields.ts'
import { readPorts } from './read-ports.ts'
import { pairs } from './read-values.ts'

/** What the flags and arguments of `create` and `run` ask for. Throws BAD_FLAG. */
export function createRequest(
  { args, options }: Invocation,
  { env }: Pick<CommandContext, 'env'>,
): ContainerCreateRequest {
  const [Image = '', ...command] = args
  const fields = readFieldFlags(options) as ContainerCreateRequest
  const { exposed, bindings } = readPorts(options.list('publish'), options.list('expose'))
  const { mode, endpoints } = readNetworks(options)
  const { binds, anonymous } = splitBinds(fields.HostConfig?.Binds ?? [])
  const labels = [...options.list('labelFile').flatMap(readLines), ...options.list('label')]
  const entrypoint = options.text('entrypoint')
  const health = readHealth(options)
  const mac = options.text('macAddress')
  return {
    ...fields,
    Image,
    ...streams(options),
    Env: variables(options, env),
    ...(command.length === 0 ? {} : { Cmd: command }),
    ...(entrypoint === undefined ? {} : { Entrypoint: [entrypoint] }),
    Labels: pairs(labels),
    ExposedPorts: exposed,
    Volumes: Object.fromEntries(anonymous.map(path => [path, {}])),
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(mac === undefined ? {} : { MacAddress: mac }),
    HostConfig: {
      ...fields.HostConfig,
      Binds: binds,
      PortBindings: bindings,
      NetworkMode: mode,
      ...(options.text('gpus') === undefined ? {} : { DeviceRequests: [gpuRequest(options.text('gpus') ?? '')] }),
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  }
}

/** `-v /path` alone is a volume without a name, which stands elsewhere in the request. */
function splitBinds(list: readonly string[]): { binds: readonly string[]; anonymous: readonly string[] } {
  return { binds: list.filter(text => text.includes(':')), anonymous: list.filter(text => !text.includes(':')) }
}

function streams(options: Options) {
  const attached = options.list('attach').map(name => name.toLowerCase())
  const wrong = attached.find(name => !['stdin', 'stdout', 'stderr'].includes(name))
  if (wrong !== undefined) throw invalidInput('BAD_FLAG', 'valid streams are STDIN, STDOUT and STDERR')
  const interactive = options.flag('interactive')
  const all = attached.length === 0 && !options.flag('detach')
  return {
    OpenStdin: interactive,
    AttachStdin: attached.includes('stdin') || (all && interactive),
    AttachStdout: attached.includes('stdout') || all,
    AttachStderr: attached.includes('stderr') || all,
    StdinOnce: interactive && !options.flag('detach'),
  }
}

/** `--env A` passes on ours, if there is one; files come before flags. */
function variables(options: Options, env: Environment): string[] {
  const lines = [...options.list('envFile').flatMap(readLines), ...options.list('env')]
  return lines.flatMap(line => {
    if (line.startsWith('=')) throw invalidInput('BAD_FLAG', `invalid environment variable: ${line}`)
    if (line.includes('=')) return [line]
    const value = env[line]
    return value === undefined ? [] : [`${line}=${value}`]
  })
}

function readLines(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split(/\r?\n/)
    return lines.map(line => line.trimStart()).filter(line => line !== '' && !line.startsWith('#'))
  } catch (error) {
    throw invalidInput('BAD_FLAG', `Cannot read the file ${path}: ${errorMessage(error)}`)
  }
}

const NANOSECONDS = 1e6

function readHealth(options: Options): object | undefined {
  const duration = (name: string): number | undefined => {
    const text = options.text(name)
    return text === undefined ? undefined : parseDuration(text) * NANOSECONDS
  }
  const command = options.text('healthCmd')
  const fields = {
    Test: command === undefined ? undefined : ['CMD-SHELL', command],
    Interval: duration('healthInterval'),
    Timeout: duration('healthTimeout'),
    StartPeriod: duration('healthStartPeriod'),
    StartInterval: duration('healthStartInterval'),
    Retries: options.number('healthRetries'),
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  if (options.choice('healthcheck') === false) {
    if (given.length > 0) throw invalidInput('BAD_FLAG', '--no-healthcheck conflicts with --health-* options')
    return { Test: ['NONE'] }
  }
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

/** The networks asked for: the first one is the container's mode, and aliases and addresses are for it. */
function readNetworks(options: Options): { mode: string; endpoints: Record<string, EndpointConfig> } {
  const asked = [...options.list('network'), ...options.list('net')].map(readNetwork)
  const [first] = asked
  if (first === undefined && noEndpointFlags(options)) return { mode: 'default', endpoints: {} }
  const mode = first?.name ?? 'default'
  const aliases = [...options.list('networkAlias'), ...options.list('netAlias')]
  const [ip, ip6] = [options.text('ip'), options.text('ip6')]
  const linkLocal = options.list('linkLocalIp')
  const address = {
    ...(ip === undefined ? {} : { IPv4Address: ip }),
    ...(ip6 === undefined ? {} : { IPv6Address: ip6 }),
    ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: linkLocal }),
  }
  const links = ['default', 'bridge'].includes(mode) ? [] : options.list('link')
  const shared: EndpointConfig = {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    // On a network of its own a container's links are the network's business.
    ...(links.length === 0 ? {} : { Links: links }),
    ...(Object.keys(address).length === 0 ? {} : { IPAMConfig: address }),
  }
  const all = asked.length === 0 ? [{ name: mode, endpoint: {} }] : asked
  const endpoints = all.map(({ name, endpoint }, index) => [name, index === 0 ? { ...shared, ...endpoint } : endpoint])
  return { mode, endpoints: Object.fromEntries(endpoints) as Record<string, EndpointConfig> }
}

function noEndpointFlags(options: Options): boolean {
  const lists = ['networkAlias', 'netAlias', 'linkLocalIp'].every(name => options.list(name).length === 0)
  return lists && options.text('ip') === undefined && options.text('ip6') === undefined
}

/** `front`, or `name=front,alias=web,ip=10.0.0.9`. */
function readNetwork(text: string): { name: string; endpoint: EndpointConfig } {
  if (!/(^|,)name=/.test(text)) return { name: text, endpoint: {} }
  const fields = text.split(',').map(field => field.split('='))
  const values = (key: string): string[] => fields.flatMap(([name, value]) => (name === key && value ? [value] : []))
  const [ip] = values('ip')
  const [ip6] = values('ip6')
  const [mac] = values('mac-address')
  const unknown = fields.find(
    ([name = '']) => !['name', 'alias', 'ip', 'ip6', 'mac-address', 'driver-opt'].includes(name),
  )
  if (unknown !== undefined) throw invalidInput('BAD_FLAG', `invalid field ${unknown[0]} in --network ${text}`)
  return {
    name: values('name')[0] ?? '',
    endpoint: {
      ...(values('alias').length === 0 ? {} : { Aliases: values('alias') }),
      ...(ip === undefined && ip6 === undefined
        ? {}
        : {
            IPAMConfig: {
              ...(ip === undefined ? {} : { IPv4Address: ip }),
              ...(ip6 === undefined ? {} : { IPv6Address: ip6 }),
            },
          }),
      ...(mac === undefined ? {} : { MacAddress: mac }),
    },
  }
}

function gpuRequest(text: string): object {
  const count = text === 'all' ? -1 : Number(text)
  if (!Number.isInteger(count)) throw invalidInput('BAD_FLAG', `invalid argument "${text}" for "--gpus" flag`)
  return { Driver: '', Count: count, DeviceIDs: null, Capabilities: [['gpu']], Options: {} }
}
