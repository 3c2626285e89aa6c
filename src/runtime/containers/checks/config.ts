import { invalidInput } from '../../../core/errors.ts'
import type { ContainerConfig, ContainerCreateRequest, HealthConfig, HostConfig } from '../../../docker-api/index.ts'
import { parseSignal } from '../../linux/process/signals.ts'

/** Refuses what a request says of the container itself and that makes no sense, with docker's words where it has some. */
export function checkConfig({ HostConfig: host = {}, ...config }: ContainerCreateRequest): void {
  const { WorkingDir = '', StopSignal = '' } = config
  if (WorkingDir !== '' && !WorkingDir.startsWith('/')) {
    bad(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`)
  }
  for (const entry of config.Env ?? []) {
    if (entry === '' || entry.startsWith('=')) bad(`invalid environment variable: ${entry}`)
  }
  if ((config.Hostname ?? '') !== '') checkHostname(host)
  if (StopSignal !== '') parseSignal(StopSignal)
  checkHealth(config.Healthcheck ?? {})
  refuseNulBytes(config)
}

function checkHostname({ UTSMode, NetworkMode = '' }: HostConfig): void {
  if (UTSMode === 'host') bad('conflicting options: hostname and the UTS mode')
  if (NetworkMode.startsWith('container:')) bad('conflicting options: hostname and the network mode')
}

const MS_NANOSECONDS = 1_000_000

function checkHealth(health: HealthConfig): void {
  const durations = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const
  for (const field of durations) {
    const value = health[field] ?? 0
    if (value !== 0 && value < MS_NANOSECONDS) bad(`${field} in Healthcheck cannot be less than 1ms`)
  }
  if ((health.Retries ?? 0) < 0) bad('Retries in Healthcheck cannot be negative')
  const [kind = ''] = health.Test ?? []
  if (!['', 'NONE', 'CMD', 'CMD-SHELL'].includes(kind)) {
    bad(`Unknown Type in Healthcheck Test: ${kind.slice(0, 60)}: expected NONE, CMD or CMD-SHELL`)
  }
}

/** The kernel's strings end at a NUL: what comes after it would be lost, or would be another string. */
function refuseNulBytes({ Env, Cmd, Entrypoint, User, WorkingDir, Hostname, Domainname }: ContainerConfig): void {
  const texts = { Env, Cmd, Entrypoint, User, WorkingDir, Hostname, Domainname }
  for (const [field, value] of Object.entries(texts)) {
    const hasNul = (text: string): boolean => text.includes('\0')
    if (typeof value === 'string' ? hasNul(value) : value?.some(hasNul)) bad(`${field} must not contain NUL bytes`)
  }
}

function bad(message: string): never {
  throw invalidInput('BAD_CONFIG', message)
}
