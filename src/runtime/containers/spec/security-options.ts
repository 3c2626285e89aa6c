import { invalidInput, unsupported } from '../../../core/errors.ts'
import { parseSeccompProfile, type SeccompProfile } from '../seccomp/index.ts'

export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  /** `default`: the engine's. */
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile
  /** Name of an AppArmor profile, or `unconfined`; undefined: nothing was said. */
  readonly apparmor: string | undefined
  /** Neither masked nor read-only paths. */
  readonly openSystemPaths: boolean
}

const NOTHING_ASKED: SecurityOptions = {
  noNewPrivileges: false,
  seccomp: 'default',
  apparmor: undefined,
  openSystemPaths: false,
}

/**
 * Reads docker's SecurityOpt; of an option given twice the last counts. Throws 400 for what is malformed, and 501 for what
 * would switch on what this engine does not do (SELinux labels).
 */
export function readSecurityOptions(options: readonly string[]): SecurityOptions {
  return options.reduce((read, option) => ({ ...read, ...readOption(option) }), NOTHING_ASKED)
}

/** The AppArmor profile that inspections show: the last that was asked for, or none. */
export function shownAppArmor(options: readonly string[]): string {
  return options.findLast(option => /^apparmor[=:]/.test(option))?.slice('apparmor='.length) ?? ''
}

/** The runtime is told nothing of `unconfined`: what was never confined is that, and a kernel without AppArmor is none to ask. */
export function appArmorField(
  { apparmor }: SecurityOptions,
  privileged: boolean,
): { readonly apparmorProfile?: string } {
  return apparmor === undefined || apparmor === 'unconfined' || privileged ? {} : { apparmorProfile: apparmor }
}

function readOption(option: string): Partial<SecurityOptions> {
  const [name = '', value] = option.split(/[=:](.*)/s)
  switch (name) {
    case 'no-new-privileges':
      return { noNewPrivileges: readFlag(option, value) }
    case 'seccomp':
      return { seccomp: readSeccomp(option, value) }
    case 'apparmor':
      return { apparmor: value || malformed(option) }
    case 'systempaths':
      if (value === 'confined' || value === 'unconfined') return { openSystemPaths: value === 'unconfined' }
      return malformed(option)
    case 'label':
      if (value === 'disable') return {}
      throw unsupported(
        'SECURITY_OPT_UNSUPPORTED',
        `HostConfig.SecurityOpt "${option.slice(0, 60)}": SELinux labels are not supported: leave it out, or use label=disable`,
      )
    default:
      return malformed(option)
  }
}

function readFlag(option: string, value: string | undefined): boolean {
  if (value === undefined || ['true', '1', 't', 'T', 'TRUE', 'True'].includes(value)) return true
  return ['false', '0', 'f', 'F', 'FALSE', 'False'].includes(value) ? false : malformed(option)
}

function readSeccomp(option: string, value: string | undefined): SecurityOptions['seccomp'] {
  if (value === undefined || value === '') return malformed(option)
  if (value === 'unconfined') return value
  return value === 'builtin' ? 'default' : parseSeccompProfile(value)
}

function malformed(option: string): never {
  throw invalidInput('BAD_SECURITY_OPT', `invalid --security-opt 2: ${JSON.stringify(option.slice(0, 60))}`)
}
