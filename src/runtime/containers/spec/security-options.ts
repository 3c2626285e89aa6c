import { unsupported } from '../../../core/errors.ts'

export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  /** No seccomp filter. */
  readonly unconfined: boolean
}

/**
 * Reads docker's SecurityOpt. Options that switch off what this engine does not do (AppArmor, SELinux labels) are
 * accepted; those that would switch it on are refused by name.
 */
export function readSecurityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let unconfined = false
  for (const option of options) {
    const [name = '', value] = option.split(/[=:](.*)/s)
    if (name === 'no-new-privileges' && ['true', 'false', undefined].includes(value))
      noNewPrivileges = value !== 'false'
    else if (name === 'seccomp' && value === 'unconfined') unconfined = true
    else if (!['apparmor=unconfined', 'label=disable', 'systempaths=confined'].includes(`${name}=${value}`)) {
      throw unsupported(
        'SECURITY_OPT_UNSUPPORTED',
        `HostConfig.SecurityOpt "${option.slice(0, 60)}" is not supported: known are no-new-privileges and seccomp=unconfined`,
      )
    }
  }
  return { noNewPrivileges, unconfined }
}
