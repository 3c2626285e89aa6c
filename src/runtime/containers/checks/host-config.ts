import { invalidInput, unsupported } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import type { HostFacts } from '../host/host-facts.ts'
import { readLogConfig } from '../logs/index.ts'
import { chooseCapabilities } from '../spec/capabilities.ts'
import { checkDevices } from '../spec/devices.ts'
import { readNamespaceModes } from '../spec/namespaces.ts'
import { readSecurityOptions } from '../spec/security-options.ts'
import { checkSysctls } from '../spec/sysctls.ts'
import { refuseUnsupported } from './field-support.ts'
import { checkResources } from './resources.ts'

/** Refuses by name what this engine does not do, and values that make no sense, with docker's words where it has some. */
export function checkHostConfig(host: HostConfig, facts: HostFacts): void {
  refuseUnsupported(host)
  checkResources(host, facts)
  checkRestartPolicy(host)
  checkUlimits(host)
  readNamespaceModes(host)
  checkSysctls(host)
  checkDevices(host)
  chooseCapabilities({ privileged: false, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }, facts.boundingSet)
  checkSecurity(host, facts)
  readLogConfig(host.LogConfig ?? {})
  checkPaths(host)
  checkRest(host, facts)
}

function checkSecurity(host: HostConfig, facts: HostFacts): void {
  const { seccomp, apparmor } = readSecurityOptions(host.SecurityOpt ?? [])
  if (seccomp === 'default' && facts.seccomp === undefined && host.Privileged !== true) {
    throw unsupported(
      'SECCOMP_PROFILE_MISSING',
      'This machine has no default seccomp profile: install the package golang-github-containers-common (containers-common on other systems), or choose a profile with SecurityOpt seccomp=…',
    )
  }
  if (apparmor === undefined || apparmor === 'unconfined') return
  if (!facts.apparmor.enabled) {
    throw unsupported(
      'APPARMOR_MISSING',
      `HostConfig.SecurityOpt "apparmor=${apparmor.slice(0, 60)}": this kernel has no AppArmor: leave it out`,
    )
  }
  if (!facts.apparmor.isLoaded(apparmor)) {
    throw invalidInput(
      'APPARMOR_PROFILE_UNKNOWN',
      `HostConfig.SecurityOpt: the AppArmor profile "${apparmor.slice(0, 60)}" is not loaded: load it with apparmor_parser`,
    )
  }
}

function checkPaths({ MaskedPaths, ReadonlyPaths }: HostConfig): void {
  for (const [field, paths] of Object.entries({ MaskedPaths, ReadonlyPaths })) {
    const wrong = paths?.find(path => !path.startsWith('/') || path.split('/').includes('..'))
    if (wrong === undefined) continue
    throw invalidInput('BAD_PATH', `HostConfig.${field}: ${JSON.stringify(wrong)} must be absolute, without ".."`)
  }
}

function checkRest(host: HostConfig, { initPath, runtime: own }: HostFacts): void {
  const { OomScoreAdj = 0, Init, CgroupParent = '', ShmSize = 0, Runtime = '' } = host
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalidInput('BAD_OOM_SCORE', `Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
  }
  if (Init === true && initPath === undefined) {
    throw unsupported('INIT_MISSING', 'HostConfig.Init needs an init binary on the host: install the tini package')
  }
  if (/(^|\/)\.\.(\/|$)/.test(CgroupParent)) {
    throw invalidInput('BAD_CGROUP_PARENT', `The cgroup parent "${CgroupParent}" must not contain ".."`)
  }
  const size = host.ConsoleSize ?? []
  if (size.length > 2 || size.some(length => length < 0 || length > 0xffff)) {
    throw invalidInput('BAD_CONSOLE_SIZE', 'HostConfig.ConsoleSize: expected [height, width], each from 0 to 65535')
  }
  if (ShmSize < 0) throw invalidInput('BAD_SHM_SIZE', 'SHM size can not be less than 0')
  if (!['', own, 'io.containerd.runc.v2'].includes(Runtime)) {
    throw invalidInput('UNKNOWN_RUNTIME', `unknown or invalid runtime name: ${Runtime}`)
  }
}

function checkRestartPolicy({ RestartPolicy = {}, AutoRemove = false }: HostConfig): void {
  const { Name = '', MaximumRetryCount = 0 } = RestartPolicy
  const bad = (message: string): never => {
    throw invalidInput('BAD_RESTART_POLICY', message)
  }
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name)) {
    bad(
      `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  }
  if (Name !== 'on-failure' && MaximumRetryCount !== 0) {
    bad("invalid restart policy: maximum retry count can only be used with 'on-failure'")
  }
  if (MaximumRetryCount < 0) bad('invalid restart policy: maximum retry count cannot be negative')
  if (AutoRemove && Name !== '' && Name !== 'no') bad("can't create 'AutoRemove' container with restart policy")
}

const ULIMITS = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]

function checkUlimits({ Ulimits }: HostConfig): void {
  for (const { Name = '', Soft = 0, Hard = 0 } of Ulimits ?? []) {
    if (!ULIMITS.includes(Name)) throw invalidInput('BAD_ULIMIT', `invalid ulimit type: ${Name}`)
    if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
      throw invalidInput('BAD_ULIMIT', `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`)
    }
  }
}
