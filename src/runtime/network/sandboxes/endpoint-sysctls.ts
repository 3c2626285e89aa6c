import { invalidInput } from '../../../core/errors.ts'

const SYSCTLS_OPTION = 'com.docker.network.endpoint.sysctls'
/** `net.ipv4.conf.IFNAME.log_martians=1`: of one device, whatever its name will be. */
const SYSCTL = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.([a-z0-9_]+)=([^,/\s]*)$/

export interface Sysctl {
  /** Below /proc/sys: `net/ipv4/conf/eth0/log_martians`. */
  readonly path: string
  readonly value: string
}

/** The kernel parameters that an endpoint's driver options ask for. Throws BAD_SYSCTL. */
export function readEndpointSysctls(options: Readonly<Record<string, string>>, device: string): Sysctl[] {
  const text = options[SYSCTLS_OPTION] ?? ''
  if (text === '') return []
  return text.split(',').map(entry => {
    const [, family = '', kind = '', name = '', value = ''] = SYSCTL.exec(entry) ?? []
    if (name !== '') return { path: `net/${family}/${kind}/${device}/${name}`, value }
    throw invalidInput(
      'BAD_SYSCTL',
      `unrecognised network interface sysctl "${entry}" in ${SYSCTLS_OPTION}: expected net.ipv4.conf.IFNAME.name=value`,
    )
  })
}
