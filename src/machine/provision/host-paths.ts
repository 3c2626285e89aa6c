/** Where things of ours stand on a host. Everything is below these, so that a host can be cleaned. */
export const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Of engines and managers: their own default. */
export const DATA_ROOT = '/var/lib/shoal'
export const ENGINE_SOCKET = '/run/shoal/engine.sock'
export const MANAGER_SOCKET = '/run/shoal/manager.sock'
export const TLS_DIRECTORY = '/etc/shoal/tls'

/** Docker's own configuration. */
export const DOCKER_CONFIG = '/etc/docker/daemon.json'

export const PLACES = {
  versions: '/opt/shoal/versions',
  current: '/opt/shoal/current',
  launch: '/opt/shoal/launch',
  supervise: '/opt/shoal/supervise',
  endContainers: '/opt/shoal/end-containers',
  owner: '/etc/shoal/machine.json',
  token: '/etc/shoal/join-token',
  sysctl: '/etc/sysctl.d/60-shoal.conf',
  firewall: '/etc/shoal/firewall-ports',
  opened: '/etc/shoal/opened-ports',
  /** Before the name of a daemon and `.log`, on hosts without a journal. */
  logs: '/var/log/shoal-',
} as const

/** What daemons say where there is no journal, as a pattern of a shell. */
export const LOG_FILES = `${PLACES.logs}*.log`

/** A daemon of ours on a host. */
export type ServiceName = 'agent' | 'manager'

export function argumentsFile(service: ServiceName): string {
  return `/etc/shoal/${service}.args`
}

export function environmentFile(service: ServiceName): string {
  return `/etc/shoal/${service}.env`
}
