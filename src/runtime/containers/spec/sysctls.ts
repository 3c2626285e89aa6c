import { invalidInput } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import { readNamespaceModes } from './namespaces.ts'

/** Parameters of the IPC namespace. Source: namespaces(7) and what runc checks. */
const IPC_SYSCTLS = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]
const OPEN_NETWORK = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }

/** Kernel parameters must belong to a namespace that is the container's own: others are the host's. Throws 400. */
export function checkSysctls(host: HostConfig): void {
  const { ipc, uts } = readNamespaceModes(host)
  for (const name of Object.keys(host.Sysctls ?? {})) {
    const dotted = name.replaceAll('/', '.')
    if (dotted.startsWith('net.')) {
      if (host.NetworkMode === 'host') throw bad(`sysctl "${name}" not allowed in host network namespace`)
    } else if (IPC_SYSCTLS.includes(dotted) || dotted.startsWith('fs.mqueue.')) {
      if (ipc.kind === 'host') throw bad(`sysctl "${name}" is not allowed in the hosts ipc namespace`)
    } else if (dotted === 'kernel.domainname') {
      if (uts.kind === 'host') throw bad(`sysctl "${name}" is not allowed in the hosts uts namespace`)
    } else if (dotted === 'kernel.hostname') {
      throw bad(`sysctl "${name}" is not allowed as it conflicts with the OCI "hostname" field`)
    } else throw bad(`sysctl "${name}" is not in a separate kernel namespace`)
  }
}

function bad(message: string): Error {
  return invalidInput('BAD_SYSCTL', message)
}

/** As Docker: in a network of its own nobody needs privileges for low ports and ping. */
export function sysctlsOf(
  host: HostConfig,
  { domainname, ownNetwork }: { readonly domainname: string; readonly ownNetwork: boolean },
): Readonly<Record<string, string>> {
  return {
    ...(ownNetwork ? OPEN_NETWORK : {}),
    ...(domainname === '' ? {} : { 'kernel.domainname': domainname }),
    ...host.Sysctls,
  }
}
