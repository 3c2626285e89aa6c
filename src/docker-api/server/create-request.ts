import type { IncomingMessage } from 'node:http'
import { invalidInput } from '../../core/errors.ts'
import type { ContainerCreateRequest, ExecCreateRequest } from '../container-types.ts'
import { readJson } from './request.ts'

type Shape = 'text' | 'texts' | 'flag' | 'number' | 'object' | 'list'

const SHAPES: Readonly<Record<Shape, (value: unknown) => boolean>> = {
  text: value => typeof value === 'string',
  texts: value => Array.isArray(value) && value.every(item => typeof item === 'string'),
  flag: value => typeof value === 'boolean',
  number: value => typeof value === 'number',
  object: value => typeof value === 'object' && !Array.isArray(value),
  list: value => Array.isArray(value),
}

const CREATE_FIELDS: Readonly<Record<string, Shape>> = {
  Hostname: 'text',
  Domainname: 'text',
  User: 'text',
  ExposedPorts: 'object',
  Tty: 'flag',
  OpenStdin: 'flag',
  Env: 'texts',
  Cmd: 'texts',
  Entrypoint: 'texts',
  Image: 'text',
  Volumes: 'object',
  WorkingDir: 'text',
  Labels: 'object',
  StopSignal: 'text',
  StopTimeout: 'number',
  Healthcheck: 'object',
  Shell: 'texts',
  HostConfig: 'object',
  NetworkingConfig: 'object',
}

const HOST_FIELDS: Readonly<Record<string, Shape>> = {
  Binds: 'texts',
  Mounts: 'list',
  Tmpfs: 'object',
  NetworkMode: 'text',
  PortBindings: 'object',
  PublishAllPorts: 'flag',
  RestartPolicy: 'object',
  AutoRemove: 'flag',
  Memory: 'number',
  MemoryReservation: 'number',
  MemorySwap: 'number',
  NanoCpus: 'number',
  CpuShares: 'number',
  CpuQuota: 'number',
  CpuPeriod: 'number',
  CpusetCpus: 'text',
  PidsLimit: 'number',
  CapAdd: 'texts',
  CapDrop: 'texts',
  Privileged: 'flag',
  ReadonlyRootfs: 'flag',
  Dns: 'texts',
  DnsOptions: 'texts',
  DnsSearch: 'texts',
  ExtraHosts: 'texts',
  Sysctls: 'object',
  Ulimits: 'list',
  ShmSize: 'number',
  Init: 'flag',
  CgroupParent: 'text',
  SecurityOpt: 'texts',
  LogConfig: 'object',
}

const EXEC_FIELDS: Readonly<Record<string, Shape>> = {
  AttachStdin: 'flag',
  Tty: 'flag',
  Env: 'texts',
  Cmd: 'texts',
  User: 'text',
  WorkingDir: 'text',
  Privileged: 'flag',
}

/** Fields that Docker lets a client write as one word instead of a list of words. */
const ONE_OR_MANY = ['Cmd', 'Entrypoint', 'Shell']

/** Checks the fields that the engine reads; those it does not know are left as they are. Throws 400 naming the field. */
export function readCreateRequest(body: object): ContainerCreateRequest {
  const request = withLists(body)
  check(request, CREATE_FIELDS, '')
  const { HostConfig } = request as ContainerCreateRequest
  if (HostConfig !== undefined && HostConfig !== null) check(HostConfig, HOST_FIELDS, 'HostConfig.')
  return dropNulls(request)
}

export function readExecRequest(body: object): ExecCreateRequest {
  const request = withLists(body)
  check(request, EXEC_FIELDS, '')
  const { Cmd } = request as Partial<ExecCreateRequest>
  if (Cmd === undefined || Cmd === null || Cmd.length === 0)
    throw invalidInput('NO_COMMAND', 'No exec command specified')
  return dropNulls(request) as ExecCreateRequest
}

function withLists(body: object): object {
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      ONE_OR_MANY.includes(key) && typeof value === 'string' ? [value] : value,
    ]),
  )
}

function check(value: object, fields: Readonly<Record<string, Shape>>, prefix: string): void {
  for (const [key, field] of Object.entries(value)) {
    const shape = fields[key]
    if (shape === undefined || field === null || SHAPES[shape](field)) continue
    const expected = { text: 'a string', texts: 'a list of strings', flag: 'true or false' }[shape as string]
    throw invalidInput('BAD_FIELD', `invalid value for ${prefix}${key}: expected ${expected ?? `a ${shape}`}`)
  }
}

/** Clients written in Go send null for what was not set. */
function dropNulls(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
}

export async function readExecStart(request: IncomingMessage): Promise<{ detach: boolean; tty: boolean }> {
  const { Detach, Tty } = await readJson<{ Detach: boolean; Tty: boolean }>(request)
  return { detach: Detach === true, tty: Tty === true }
}
