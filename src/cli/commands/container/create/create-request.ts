import { resolve } from 'node:path'
import { parseDuration } from '../../../../core/duration.ts'
import { parseImageReference } from '../../../../core/image-reference.ts'
import type { ContainerCreateRequest } from '../../../../docker-api/index.ts'
import type { Invocation, Options } from '../../../command.ts'
import { badArgument, readArgument } from '../../../usage.ts'
import { readFieldFlags } from './read-fields.ts'
import { labelsOf, readLines, readVariables, type Surroundings } from './read-lines.ts'
import { readNetworks } from './read-networks.ts'
import { readPorts } from './read-ports.ts'
import { readSecurity } from './read-security.ts'
import { bad, pairs, wholeNumber } from './read-values.ts'

/** What the flags and arguments of `create` and `run` ask for. Throws BAD_ARGUMENT and BAD_FLAG, before anything is asked. */
export function createRequest({ args, options }: Invocation, around: Surroundings): ContainerCreateRequest {
  const { cwd } = around
  const [Image = '', ...command] = args
  const attached = streams(options)
  const given = labelsOf(options, '-l, --label')
  const fields = readFieldFlags(options, cwd) as ContainerCreateRequest
  const Env = readVariables(options, around)
  const filed = options.list('labelFile').flatMap(path => readLines(path, 'label', around))
  const { exposed, bindings } = readPorts(options.list('publish'), options.list('expose'))
  const { binds, anonymous } = splitBinds(fields.HostConfig?.Binds ?? [], cwd)
  const health = readHealth(options)
  const { mode, endpoints } = readNetworks(options)
  const entrypoint = options.text('entrypoint')
  const mac = options.text('macAddress') ?? ''
  const gpus = options.text('gpus')
  checkTogether(fields)
  checkImage(Image)
  return {
    ...fields,
    Image,
    ...attached,
    Env,
    ...(command.length === 0 ? {} : { Cmd: command }),
    ...(entrypoint === undefined ? {} : { Entrypoint: [entrypoint] }),
    Labels: { ...pairs(filed), ...given },
    ExposedPorts: exposed,
    Volumes: Object.fromEntries(anonymous.map(path => [path, {}])),
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(mac === '' ? {} : { MacAddress: mac }),
    HostConfig: {
      ...fields.HostConfig,
      ...readSecurity(fields.HostConfig?.SecurityOpt ?? [], cwd),
      Binds: binds,
      PortBindings: bindings,
      NetworkMode: mode,
      ...(gpus === undefined ? {} : { DeviceRequests: [gpuRequest(gpus)] }),
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  }
}

function checkTogether({ HostConfig = {} }: ContainerCreateRequest): void {
  const policy = HostConfig.RestartPolicy?.Name ?? ''
  if (HostConfig.AutoRemove === true && !['', 'no'].includes(policy)) {
    throw bad('conflicting options: cannot specify both --restart and --rm')
  }
}

/** A name that no image can have is told before anybody looks for it; an id is none. */
function checkImage(image: string): void {
  if (!/^[0-9a-f]{64}$/.test(image)) parseImageReference(image)
}

/** `-v /path` alone is a volume without a name, which stands elsewhere in the request. */
function splitBinds(list: readonly string[], cwd: string): { binds: readonly string[]; anonymous: readonly string[] } {
  for (const text of list) checkBind(text)
  // Only what begins with a dot is a path below our own directory: a name is a volume.
  const binds = list
    .filter(text => text.includes(':'))
    .map(text => text.replace(/^\.[^:]*/, path => resolve(cwd, path)))
  return { binds, anonymous: list.filter(text => !text.includes(':')) }
}

function checkBind(text: string): void {
  const [source = '', target, , ...more] = text.split(':')
  if (text === '') throw bad('invalid empty volume spec')
  if (source === '' || target === '') throw bad(`invalid spec: ${text}: empty section between colons`)
  if (more.length > 0) throw bad(`invalid volume specification: '${text}'`)
  const path = target ?? source
  if (path.startsWith('/')) return
  throw bad(`invalid volume specification: '${text}': the path in the container must be absolute, not '${path}'`)
}

function streams(options: Options) {
  const attached = options.list('attach').map(text => readArgument('-a, --attach', text, streamName))
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

function streamName(text: string): string {
  const name = text.toLowerCase()
  if (!['stdin', 'stdout', 'stderr'].includes(name)) throw bad('valid streams are STDIN, STDOUT and STDERR')
  return name
}

const NANOSECONDS = 1e6

function readHealth(options: Options): object | undefined {
  const duration = (name: string): number | undefined => {
    const [text, flag] = [options.text(`health${name}`), `--health-${name.replaceAll(/\B[A-Z]/g, '-$&').toLowerCase()}`]
    if (text === undefined) return undefined
    if (text.startsWith('-')) throw bad(`${flag} cannot be negative`)
    return parsedDuration(flag, text) * NANOSECONDS
  }
  const command = options.text('healthCmd') ?? ''
  const fields = {
    Test: command === '' ? undefined : ['CMD-SHELL', command],
    Interval: duration('Interval'),
    Timeout: duration('Timeout'),
    StartPeriod: duration('StartPeriod'),
    StartInterval: duration('StartInterval'),
    Retries: retries(options.text('healthRetries')),
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  if (options.choice('healthcheck') === false) {
    if (given.length > 0) throw bad('--no-healthcheck conflicts with --health-* options')
    return { Test: ['NONE'] }
  }
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

function retries(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = readArgument('--health-retries', text, wholeNumber)
  if (value < 0) throw bad('--health-retries cannot be negative')
  return value
}

function parsedDuration(flag: string, text: string): number {
  try {
    return parseDuration(text)
  } catch {
    const why = /^\d+(\.\d+)?$/.test(text) ? 'missing unit in' : 'invalid'
    throw badArgument(flag, text, `time: ${why} duration "${text}"`)
  }
}

function gpuRequest(text: string): object {
  const request = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: [['gpu']], Options: {} }
  if (text === '') throw badArgument('--gpus', text, 'EOF')
  // The engine says whether it can: here only the count is read.
  if (text.includes('=')) return { ...request, Count: 1 }
  const count = text === 'all' ? -1 : Number(text)
  if (Number.isInteger(count)) return { ...request, Count: count }
  throw badArgument('--gpus', text, `invalid count (${text}): value must be either "all" or an integer: invalid syntax`)
}
