import { TLS_FLAGS } from '../tls-flags.ts'
import type { DaemonFlag } from './daemon-flag.ts'

export const DATA_ROOT = '/var/lib/shoal'
export const EXEC_ROOT = '/run/shoal'
export const CONFIG_FILE = '/etc/shoal/daemon.json'

const text = (name: string, value: string, summary: string): DaemonFlag => ({ name, value, summary, kind: 'text' })
const number = (name: string, value: string, summary: string): DaemonFlag => ({ name, value, summary, kind: 'number' })
const list = (name: string, value: string, summary: string): DaemonFlag => ({ name, value, summary, kind: 'list' })
const on = (name: string, summary: string): DaemonFlag => ({ name, summary, kind: 'switch' })
/** Known to dockerd, and not done here. */
const refused = (name: string, why: string, kind: DaemonFlag['kind'] = 'text'): DaemonFlag => ({
  name,
  summary: '',
  kind,
  refused: why,
})
/** A switch of which only one position can be had. */
const always = (name: string, only: 'true' | 'false', why: string, summary = ''): DaemonFlag => ({
  name,
  summary,
  kind: 'switch',
  only: [only],
  refused: why,
})

const CONTAINERD = 'is not supported: there is no containerd, containers are run by the engine itself'
const SWARM_MODE = 'is not supported: clusters are made with swarm create and swarm join'
const PROXY = 'is not supported: registries are reached directly; give a --registry-mirror'

const PLACES: readonly DaemonFlag[] = [
  text('config-file', 'path', `more of these flags, as JSON with dockerd's keys (default: ${CONFIG_FILE})`),
  text('name', 'name', "the engine's name (default: the host's)"),
  {
    ...list(
      'host',
      'url',
      'serve the Docker Engine API here: unix:///path or tcp://host:port (default: a socket in --exec-root)',
    ),
    short: 'H',
    key: 'hosts',
  },
  { ...text('group', 'group', 'group that may use the unix sockets (default: root alone)'), short: 'G' },
  text('data-root', 'directory', `images, containers and volumes (default: ${DATA_ROOT})`),
  text('exec-root', 'directory', `state of what runs now (default: ${EXEC_ROOT})`),
  { ...text('pidfile', 'path', "write the engine's process id here"), short: 'p' },
  { ...list('label', 'key=value', 'a label of this engine'), key: 'labels' },
]

const LOGGING: readonly DaemonFlag[] = [
  { ...on('debug', 'log everything'), short: 'D' },
  { ...text('log-level', 'level', 'debug, info, warn, error or fatal (default: info)'), short: 'l' },
  { ...text('log-format', 'format', 'json'), only: ['json'], refused: 'is not supported: logs are JSON' },
  on('raw-logs', 'without colours, as logs always are'),
]

const NETWORKS: readonly DaemonFlag[] = [
  { ...text('bridge', 'name', 'bridge of the default network (default: one named after --data-root)'), short: 'b' },
  text('bip', 'cidr', 'address and prefix of that bridge, such as 172.17.0.1/16'),
  text('fixed-cidr', 'cidr', 'part of its subnet that containers get addresses of'),
  text('fixed-cidr-v6', 'cidr', 'its IPv6 subnet, with --ipv6'),
  on('ipv6', 'give the default network IPv6 too'),
  number('mtu', 'bytes', "largest packet on the containers' networks (default: 1500)"),
  on('icc', 'let containers of the default network reach each other (default)'),
  text('ip', 'address', 'host address of published ports that name none (default: 0.0.0.0)'),
  on('ip-forward', "switch the kernel's forwarding on (default)"),
  on('ip-masq', "hide containers' addresses behind the host's (default)"),
  on('iptables', 'write packet filter rules (default); without: no published ports'),
  on('ip6tables', 'the same for IPv6; as --iptables is'),
  on('userland-proxy', 'relay what the packet filter does not reach, as is always done: it needs no program'),
  {
    ...list('default-address-pool', 'pool', 'where subnets of new networks are taken from: base=10.10.0.0/16,size=24'),
    kind: 'pools',
    key: 'default-address-pools',
  },
  refused('default-gateway', 'is not supported: the way out of a bridge is its own address, --bip'),
  refused('default-gateway-v6', 'is not supported: the way out of a bridge is its own address, in --fixed-cidr-v6'),
  refused('userland-proxy-path', 'is not supported: the engine relays by itself'),
  refused('host-gateway-ip', 'is not supported: host-gateway is the address of the default bridge'),
  refused('network-control-plane-mtu', SWARM_MODE, 'number'),
]

const REGISTRIES: readonly DaemonFlag[] = [
  { ...list('registry-mirror', 'url', 'ask this registry before docker.io'), key: 'registry-mirrors' },
  {
    ...list(
      'insecure-registry',
      'host:port',
      'a registry, or a subnet of them, that may speak plain HTTP or have an unknown certificate',
    ),
    key: 'insecure-registries',
  },
  text(
    'registry-certs',
    'directory',
    'certificates of registries, as host[:port]/ca.crt, client.cert and client.key (default: /etc/docker/certs.d)',
  ),
  number('max-concurrent-downloads', 'number', 'layers of an image that are pulled at a time (default: 4)'),
  number('max-concurrent-uploads', 'number', 'layers of an image that are pushed at a time (default: 5)'),
  refused('max-download-attempts', 'is not supported: a download is tried again as long as it gets further', 'number'),
  {
    ...refused(
      'allow-nondistributable-artifacts',
      'is not supported: layers that may not be distributed are not pushed',
      'list',
    ),
  },
  refused('http-proxy', PROXY),
  refused('https-proxy', PROXY),
  refused('no-proxy', PROXY),
]

const CONTAINERS: readonly DaemonFlag[] = [
  text('cgroup-parent', 'path', "parent of the containers' control groups"),
  list('dns', 'address', 'name server of containers that name none'),
  { ...list('dns-opt', 'option', 'option of their resolver'), key: 'dns-opts' },
  list('dns-search', 'domain', 'domain they search'),
  text('log-driver', 'driver', 'json-file, local or none (default: json-file)'),
  { ...list('log-opt', 'name=value', 'option of that driver'), kind: 'pairs', key: 'log-opts' },
  { ...list('default-ulimit', 'name=soft[:hard]', 'limit of processes'), kind: 'ulimits', key: 'default-ulimits' },
  text('default-shm-size', 'bytes', 'size of /dev/shm (default: 64m)'),
  text('default-ipc-mode', 'mode', 'private or shareable (default: private)'),
  text('default-cgroupns-mode', 'mode', 'host or private (default: host with version 1 of control groups)'),
  text('default-runtime', 'runtime', 'OCI runtime: a name found in PATH, or a path (default: runc)'),
  on('init', 'run an init in every container'),
  text('init-path', 'path', 'that init (default: docker-init, tini or catatonit in PATH)'),
  on('no-new-privileges', 'processes never get more rights than they began with'),
  text('seccomp-profile', 'path', 'profile of system calls: a file, builtin or unconfined (default: builtin)'),
  always(
    'live-restore',
    'true',
    'is not supported: containers always outlive the engine',
    'keep containers when the engine ends, as is always done',
  ),
  number(
    'shutdown-timeout',
    'seconds',
    'how long containers may take to stop with the engine: they never stop with it',
  ),
  number('oom-score-adjust', 'number', "the engine's own score, -1000 to 1000"),
  {
    ...refused('add-runtime', 'is not supported: containers have one runtime, --default-runtime', 'list'),
    key: 'runtimes',
  },
  {
    ...list('exec-opt', 'name=value', 'native.cgroupdriver=cgroupfs'),
    key: 'exec-opts',
    only: ['native.cgroupdriver=cgroupfs'],
    refused: 'is not supported: control groups are made by the engine itself (native.cgroupdriver=cgroupfs)',
  },
  refused('cpu-rt-period', 'is not supported: give it to the container', 'number'),
  refused('cpu-rt-runtime', 'is not supported: give it to the container', 'number'),
  always('selinux-enabled', 'false', 'is not supported: there are no SELinux labels'),
  refused('userns-remap', 'is not supported: containers have the user ids of the host'),
  always('rootless', 'false', 'is not supported: an engine needs root'),
]

const OTHERS: readonly DaemonFlag[] = [
  {
    ...text('storage-driver', 'driver', 'overlay2'),
    short: 's',
    only: ['overlay2', ''],
    refused: 'is not supported: layers are stacked by overlay2',
  },
  { ...refused('storage-opt', 'is not supported: overlay2 has no options here', 'list'), key: 'storage-opts' },
  always('experimental', 'false', 'is not supported: there is nothing experimental'),
  {
    ...refused('authorization-plugin', 'is not supported: there are no plugins', 'list'),
    key: 'authorization-plugins',
  },
  refused('api-cors-header', 'is not supported: web pages may not use the API'),
  refused('metrics-addr', 'is not supported: ask GET /containers/{id}/stats'),
  refused('containerd', CONTAINERD),
  refused('containerd-namespace', CONTAINERD),
  refused('containerd-plugins-namespace', CONTAINERD),
  always('cri-containerd', 'false', CONTAINERD),
  { ...refused('cdi-spec-dir', 'is not supported: give devices with --device', 'list'), key: 'cdi-spec-dirs' },
  { ...refused('feature', 'is not supported: there is nothing to switch', 'pairs'), key: 'features' },
  { ...refused('node-generic-resource', SWARM_MODE, 'list'), key: 'node-generic-resources' },
  refused('swarm-default-advertise-addr', SWARM_MODE),
  refused('builder', 'is not supported: the builder has no settings; prune with docker builder prune', 'pairs'),
  refused('proxies', PROXY, 'pairs'),
]

/** Every flag of dockerd 20.10 and those of later versions that mean something here, and our own. */
export const DAEMON_FLAGS: readonly DaemonFlag[] = [
  ...PLACES,
  ...LOGGING,
  ...NETWORKS,
  ...REGISTRIES,
  ...CONTAINERS,
  ...OTHERS,
  ...TLS_FLAGS,
]
