/** A place where the embedded engine answers otherwise than Docker Engine 20.10, on purpose. `*` stands for anything. */
export interface Difference {
  /** The step of a script: `GET /version`, or the words of a program. */
  readonly step: string
  /** Path of the field in the answer, joined by dots; `(all)` for an answer without fields; of lines, `: more:` and `: less:`. */
  readonly field: string
  readonly why: string
}

const OWN_NAME = 'It is another program, of another version, built otherwise'
const OWN_PLACES = 'Where an engine keeps its files is its own affair'
const NEWER = 'It serves API 1.47, and says what newer versions have to clients of older ones too'
const BLAMES_CLIENT = "The fault is the client's: 400 or 409, where Docker 20.10 says 500"
const SAYS_WHAT_TO_DO = 'The message also says what to do'

/** The whole list. What is not here must be the same. */
export const DIFFERENCES: readonly Difference[] = [
  ...of('GET /version', OWN_NAME, [
    'body.Version',
    'body.GitCommit',
    'body.GoVersion',
    'body.BuildTime',
    'body.Platform.Name',
    'body.Components.*',
  ]),
  ...of('GET /version', NEWER, ['body.ApiVersion', 'body.MinAPIVersion']),
  ...of('GET /info', OWN_NAME, ['body.ID', 'body.ServerVersion', 'body.NGoroutines', 'body.*Commit.*']),
  ...of('GET /info', 'Each engine has the name of its host', ['body.Name']),
  ...of('GET /info', 'Its storage, log and network drivers are fewer, and named as they are', [
    'body.DriverStatus.*',
    'body.Plugins.Network: less: *',
    'body.Plugins.Log: *',
  ]),
  ...of('GET /info', 'There is no containerd; runc is called by its path', ['body.Runtimes.*']),
  ...of('GET /info', 'Containers always survive a restart of the engine', ['body.LiveRestoreEnabled']),
  ...of('GET /info', 'Docker takes a host with namespaces for a container', ['body.OperatingSystem']),
  ...of('GET /info', 'The kernel has given these limits up', ['body.KernelMemory', 'body.KernelMemoryTCP']),
  ...of('GET /info', 'Its seccomp profile denies AF_ALG and io_uring too', ['body.SecurityOptions: *']),
  ...of('GET /info', 'Registries on ::1 are as local as those on 127.0.0.1', [
    'body.RegistryConfig.InsecureRegistryCIDRs: *',
  ]),
  ...of('*', 'Errors have a stable code beside the message, for programs', ['body.code']),

  ...of('inspect *', OWN_PLACES, ['*GraphDriver.Data.*', '*LogPath', '*SandboxKey']),
  ...of('inspect *', 'The files of a network are there while the container runs', [
    '*ResolvConfPath',
    '*HostnamePath',
    '*HostsPath',
  ]),
  ...of('inspect a stopped container', 'Without a run there is no sandbox', ['*NetworkSettings.SandboxID']),
  ...of('*', NEWER, ['*DNSNames']),
  ...of('inspect *', 'Of newer versions, which hide more of the host', ['*HostConfig.MaskedPaths: more: *']),
  ...of('inspect a created container', 'Docker knows the runtime only at the first start', ['*HostConfig.Runtime']),
  ...of('unpause what is not paused', BLAMES_CLIENT, ['status']),

  ...of('POST /containers/create {}*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('POST /containers/create *"Binds"*', BLAMES_CLIENT, ['status']),
  ...of('POST /containers/create *"Binds"*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('POST /containers/create *"RestartPolicy"*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('GET /containers/json?*', BLAMES_CLIENT, ['status']),
  ...of('GET /containers/json?*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('*filters=*', 'Newer versions write it small', ['body.message']),
  ...of('GET /images/nosuch/json*', 'Docker says it twice', ['body.message']),
  ...of('POST /networks/create *', BLAMES_CLIENT, ['status']),
  ...of('POST /networks/create {"Name":""}', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('POST /images/create?fromImage=UPPER*', SAYS_WHAT_TO_DO, ['body.message']),

  ...of('*', 'As newer versions: a list without items is empty, not null', ['body.*.RepoDigests']),
  ...of('inspect an image', 'It was tagged when it was loaded', ['body.Metadata.LastTagTime']),
  ...of('inspect the bridge', 'Several engines on one machine have a bridge each', [
    'body.Options.com.docker.network.bridge.name',
  ]),
  ...of('create it again', 'That the name is taken is said before that the addresses are', ['status', 'body.message']),
  ...of('*', 'An internal network leads nowhere: it has no gateway', ['body.*Networks.front.Gateway']),
  ...of('inspect a member', NEWER, ['*Aliases: less: <short id>']),
  ...of('filter containers by network', 'A list says as much of networks as an inspection', ['*.Aliases']),
  ...of('inspect an ended exec', 'The pid may be that of another process by now', ['body.Pid']),
  ...of('start it again', 'Refused before the stream begins', ['status', 'type', 'body']),
  ...of('resize an ended exec', 'The exec is known, it only does not run', ['status', 'body.message']),
  ...of('names', 'Errors have a stable code beside the message, for programs', ['code']),
  ...of('names', 'Words of the API, not of the language it is written in', ['message']),

  ...of('list with sizes', 'Docker leaves the place of unnamed volumes out', ['*Mounts.*.Source']),
  ...of('docker exec * nosuch', 'As newer versions and shells: 127 for a program that is not there', ['code']),
  ...of('docker-compose *exec *', 'As newer versions and shells: 127 for a program that is not there', ['code']),
  ...of('docker exec web2 true', 'Containers are named by their id in its messages', ['stderr: *']),
  ...of('docker cp one box:/nosuch/', 'Chance: whether the client has written before it is refused', [
    'stderr: *: time=*',
  ]),
  ...of('docker run *', 'The client of 20.10 says, now and then, that a failed start ended its wait', [
    'stderr: *: *error waiting for container: context canceled*',
  ]),
  ...of('*build*', 'Steps that only set something need no container', [
    'stdout: less:  ---> Running in <short id>',
    'stdout: less: Removing intermediate container <short id>',
  ]),
  ...of('docker inspect -f {{json .Config}} greeter:1', 'Docker names the image of the step before', ['stdout: *']),
  ...of('docker builder prune -f', 'Steps of a build are kept in a cache, which this empties', ['stdout: *']),
  ...of('docker network inspect *', NEWER, [
    'stdout: more:  "Subnet": *',
    'stdout: more:  "Gateway": *',
    'stdout: less:  "Subnet": *',
  ]),
  ...of('docker-compose *nslookup*', 'Its answers are authoritative: it is the one who knows', [
    'stdout: less: Non-authoritative answer:',
  ]),
  ...of('docker volume prune *', 'From API 1.42 on only unnamed volumes are pruned', ['stdout: *']),
  ...of('events', 'As newer versions, it says how long a container ran', ['stdout: *: *container die*']),
  ...of('wait', NEWER, ['Error']),
  ...of('update', 'No warnings are an empty list', ['Warnings']),
  ...of('pull *', SAYS_WHAT_TO_DO, ['message', 'stderr: *manifest for *']),
  ...of('pull what was copied', 'What is here already is not downloaded again', ['stdout: *: Status: *']),
  ...of('push', 'What the registry has already is not sent again, and the manifest is of OCI', ['stdout: *']),
  ...of('rmi', 'One image has one digest at a registry', ['stdout: less: Untagged: *@<digest>']),
]

function of(step: string, why: string, fields: readonly string[]): readonly Difference[] {
  return fields.map(field => ({ step, field, why }))
}
