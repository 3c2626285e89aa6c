import type { ExecCreateRequest } from '../../../docker-api/index.ts'
import type { ContainerRecord } from '../record.ts'
import { rlimitsOf } from './build-oci-spec.ts'
import { chooseCapabilities } from './capabilities.ts'
import { environmentOf } from './environment.ts'
import type { OciProcess, OciUser } from './oci-types.ts'
import { appArmorField, readSecurityOptions } from './security-options.ts'

export interface ExecContext {
  readonly record: Pick<ContainerRecord, 'config' | 'host' | 'hostname'>
  readonly user: OciUser
  readonly terminal: boolean
  readonly boundingSet: bigint
}

/** The OCI process of a command run inside a container: the container's own environment and rights, with what was asked. */
export function execProcess(
  request: ExecCreateRequest,
  { record, user, terminal, boundingSet }: ExecContext,
): OciProcess {
  const { config, host, hostname } = record
  const privileged = host.Privileged === true || request.Privileged === true
  const wishes = { privileged, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }
  const capabilities = chooseCapabilities(wishes, boundingSet)
  const active = user.uid === 0 ? capabilities : []
  const security = readSecurityOptions(host.SecurityOpt ?? [])
  return {
    terminal,
    user,
    args: request.Cmd,
    env: environmentOf({ hostname, tty: terminal }, config.Env ?? [], request.Env ?? []),
    cwd: request.WorkingDir || config.WorkingDir || '/',
    capabilities: { bounding: capabilities, effective: active, permitted: active, inheritable: [], ambient: [] },
    rlimits: rlimitsOf(host),
    noNewPrivileges: security.noNewPrivileges,
    oomScoreAdj: host.OomScoreAdj ?? 0,
    ...appArmorField(security, privileged),
  }
}
