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
const API_WORDS = 'Words of the API, not of the language it is written in'
const EMPTY_LIST = 'As newer versions: a list without items is empty, not null'
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
  ...of('inspect a running container with many fields', 'Docker forgets it at the start if there is no AppArmor', [
    'body.AppArmorProfile',
  ]),
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

  ...of('*', EMPTY_LIST, ['body.*.RepoDigests']),
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
  ...of('names', API_WORDS, ['message']),

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
    'text: less:  ---> Running in <short id>',
    'text: less: Removing intermediate container <short id>',
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

  ...of('GET /v1.99/version', NEWER, ['message']),
  ...of('POST /v1.41/session', 'There is no BuildKit, however a client asks for it', ['status', 'message']),
  ...of('GET /system/df', EMPTY_LIST, ['body.BuildCache']),
  ...of('inspect a container with sizes', 'Without a run there is no sandbox', ['*NetworkSettings.SandboxID']),
  ...of('prune *', BLAMES_CLIENT, ['status']),
  ...of('prune volumes until x', 'Newer versions write it small', ['body.message']),
  ...of('prune build until x', 'As of the other kinds', ['body.message']),

  ...of('inspect what was built', 'Equal input gives equal images, whatever made them', [
    'body.DockerVersion',
    'body.Container',
    'body.ContainerConfig.*',
    'body.Config.Image',
  ]),
  ...of('build *', 'Errors have a stable code beside the message, for programs', ['others.*.code']),
  ...of('build ADD --chmod=x a /', 'It knows --chmod, for which Docker wants BuildKit', ['others.*']),
  ...of('build with a bad tag', SAYS_WHAT_TO_DO, ['others.*.message']),
  ...of('build with* a *', BLAMES_CLIENT, ['status']),
  ...of('build of a file outside', BLAMES_CLIENT, ['status']),

  ...of('POST /containers/still/unpause', BLAMES_CLIENT, ['status']),
  ...of('DELETE /containers/still?link=1', BLAMES_CLIENT, ['status']),
  ...of('POST /containers/still/resize*', API_WORDS, ['body.message']),
  ...of('update *', EMPTY_LIST, ['body.Warnings']),
  ...of('update *"RestartPolicy"*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('inspect an updated container', 'Docker knows the runtime only at the first start', ['*HostConfig.Runtime']),
  ...of('POST /containers/busy/kill?signal=99', BLAMES_CLIENT, ['status', 'body.message']),
  ...of('GET /containers/busy/top*', BLAMES_CLIENT, ['status']),
  ...of('GET /containers/busy/changes', EMPTY_LIST, ['body']),
  ...of('inspect exec *', 'The pid may be that of another process by now', ['body.Pid']),
  ...of('inspect exec *nosuch*', 'As newer versions and shells: 127 for a program that is not there', [
    'body.ExitCode',
  ]),
  ...of('*wait?condition=*', NEWER, ['body.Error']),
  ...of('wait for what never ran', NEWER, ['body.Error']),
  ...of('*wait?condition=nosuch', 'Newer versions refuse a condition that there is not', ['status', 'body.*']),
  ...of('logs *', NEWER, ['type']),
  ...of('logs *since=x', BLAMES_CLIENT, ['status']),
  ...of('logs *since=x', API_WORDS, ['body.message']),
  ...of('create with log *', 'Options are refused when a container is made, not when it is started', [
    'status',
    'body.*',
  ]),
  ...of('GET /containers/box/archive', "Docker's words have a typing error", ['body.message']),
  ...of('put *', BLAMES_CLIENT, ['status']),
  ...of('put a directory over a file', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('put rubbish', SAYS_WHAT_TO_DO, ['body.message']),

  ...of('commit to a bad name', BLAMES_CLIENT, ['status']),
  ...of('* bad name', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('inspect what was committed', OWN_NAME, ['body.DockerVersion']),
  ...of('inspect what was imported', 'Equal input gives equal images, whatever made them', ['body.DockerVersion']),
  ...of('create an image of nothing', BLAMES_CLIENT, ['status', 'body.message']),
  ...of('load rubbish', 'Refused before the stream begins', ['status', 'body.*']),
  ...of('load what is no image', 'Refused before the stream begins', ['status', 'body.*']),
  ...of('GET /images/*nosuch*', 'It names the tag that was looked for', ['body.message']),
  ...of('POST /images/busybox:test/tag*', BLAMES_CLIENT, ['status', 'body.message']),
  ...of('log in nowhere', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('ask a registry that is not there', SAYS_WHAT_TO_DO, ['body.message']),

  ...of('make a network *"overlay"*', NEWER, ['status']),
  ...of('make a network *"macvlan"*', BLAMES_CLIENT, ['status']),
  ...of('make a network *"Gateway":"10.96.0.1"*', BLAMES_CLIENT, ['status']),
  ...of('make a network *.mtu"*', BLAMES_CLIENT, ['status']),
  ...of('make a network *"parent"*', SAYS_WHAT_TO_DO, ['body.message']),
  ...of('*make a network *"IPRange"*', 'Newer versions refuse a range outside of the subnet', ['status', 'body.*']),
  ...of('*make a network {"EnableIPv6":true}', 'Newer versions choose addresses of IPv6 by themselves', [
    'status',
    'body.*',
  ]),
  ...of('inspect make a network *"AuxiliaryAddresses"*', NEWER, ['body.IPAM.Config.0.Gateway']),
  ...of('GET /networks?*', BLAMES_CLIENT, ['status']),
  ...of('join two *"9.9.9.9"*', BLAMES_CLIENT, ['status']),
  ...of('inspect a member of two', NEWER, ['*Networks.*.Aliases*', '*Networks.two.MacAddress']),
  ...of('GET /networks/two', NEWER, ['body.Containers.*.MacAddress']),
  ...of('networks *"dangling"*', 'A network that a container is on is not dangling', ['*: less: *']),
  ...of('without a driver: *', 'Errors have a stable code beside the message, for programs', ['code']),
  ...of('without a driver: /containers/create *', SAYS_WHAT_TO_DO, ['message']),

  ...of('run with nothing, of its mounts', 'Of newer versions, which hide more of the host', ['printed: more: *']),
  ...of('run with open paths', 'The API takes what otherwise the command line puts into two fields', ['*']),
  ...of('run with a user namespace of another', 'Docker lets any word pass, and does nothing', ['*']),
  ...of('run with a parameter of the host', 'Refused when it is made, in fewer words', ['refused']),

  ...of('rmi', 'One image has one digest at a registry', ['stdout: less: Untagged: *@<digest>']),
]

function of(step: string, why: string, fields: readonly string[]): readonly Difference[] {
  return fields.map(field => ({ step, field, why }))
}
