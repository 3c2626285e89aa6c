import { isAbsolute, join } from 'node:path'
import type { CertPlaces } from '../certs/cert-places.ts'
import type { SshTarget, Whereabouts } from '../drivers/driver.ts'
import { driverOf } from '../drivers/registry.ts'
import { withoutSecrets } from '../drivers/secrets.ts'
import type { Machine, Settings, SwarmSettings } from '../model/machine.ts'
import { hasOwnTls } from '../provision/daemon-words.ts'

/** The version of docker-machine's records whose layout this is. */
const CONFIG_VERSION = 3

/** Where a machine's files are, and the store that they are part of. */
export interface ViewPlaces {
  readonly root: string
  readonly folder: string
  /** In the store, or where the person said. */
  readonly certs: CertPlaces
}

/**
 * A machine in the layout of docker-machine's `config.json`, which people's templates and scripts read: `{{.Driver.IPAddress}}`. What
 * docker-machine had and we have not is empty, and our own record stands in it whole, under `Record`. Secrets are not shown.
 */
export function dockerMachineView(machine: Machine, places: ViewPlaces): Readonly<Record<string, unknown>> {
  const shown = withoutSecrets(machine)
  return {
    ConfigVersion: CONFIG_VERSION,
    Driver: { ...pascalSettings(shown), ...driverView(shown, places) },
    DriverName: shown.driver,
    HostOptions: {
      Driver: '',
      Memory: 0,
      Disk: 0,
      EngineOptions: engineView(shown),
      SwarmOptions: swarmView(shown.swarm),
      AuthOptions: authView(shown, places),
    },
    Name: shown.name,
    Record: shown,
  }
}

/** A driver's own settings by the names that docker-machine's drivers gave them: `digitalocean-region` is `Region`. */
function pascalSettings({ driver, settings }: Machine): Settings {
  return Object.fromEntries(
    Object.entries(settings).map(([flag, value]) => {
      const words = (flag.startsWith(`${driver}-`) ? flag.slice(driver.length + 1) : flag).split('-')
      return [words.map(word => SPELLED[word] ?? word.charAt(0).toUpperCase() + word.slice(1)).join(''), value]
    }),
  )
}

/** Words that Go writes in capitals. */
const SPELLED: Readonly<Record<string, string>> = { cpu: 'CPU', dns: 'DNS', ip: 'IP', ssh: 'SSH', url: 'URL' }

/** What docker-machine knew of every machine, whatever its driver. A machine that is half made is nowhere yet. */
function driverView(machine: Machine, { root, folder }: ViewPlaces): Readonly<Record<string, unknown>> {
  const at = whereaboutsIfMade(machine)
  return {
    IPAddress: at?.address ?? '',
    MachineName: machine.name,
    ...sshView(at?.ssh, folder),
    StorePath: root,
    SwarmMaster: machine.swarm?.master ?? false,
    SwarmHost: machine.swarm?.host ?? '',
    SwarmDiscovery: machine.swarm?.discovery ?? '',
    EnginePort: Number(URL.parse(at?.url ?? '')?.port ?? 0),
  }
}

function sshView(ssh: SshTarget | undefined, folder: string): Readonly<Record<string, unknown>> {
  if (ssh === undefined) return { SSHUser: '', SSHPort: 0, SSHKeyPath: '' }
  const { user, port, keyPath = '' } = ssh
  const path = keyPath === '' || isAbsolute(keyPath) ? keyPath : join(folder, keyPath)
  return { SSHUser: user, SSHPort: port, SSHKeyPath: path }
}

function whereaboutsIfMade(machine: Machine): Whereabouts | undefined {
  try {
    return driverOf(machine.driver).whereabouts(machine)
  } catch {
    return undefined
  }
}

function engineView(machine: Machine): Readonly<Record<string, unknown>> {
  const { engine, swarm } = machine
  return {
    ArbitraryFlags: engine.options,
    Dns: null,
    GraphDir: '',
    Env: engine.environment,
    Ipv6: false,
    InsecureRegistry: engine.insecureRegistries,
    Labels: Object.entries(engine.labels).map(([name, value]) => `${name}=${value}`),
    LogLevel: '',
    StorageDriver: engine.storageDriver ?? '',
    SelinuxEnabled: false,
    TlsVerify: swarm === undefined ? hasOwnTls(machine) : swarm.insecure !== true,
    RegistryMirror: engine.registryMirrors,
    InstallURL: '',
  }
}

function swarmView(swarm: SwarmSettings | undefined): Readonly<Record<string, unknown>> {
  return {
    IsSwarm: swarm !== undefined,
    Address: '',
    Discovery: swarm?.discovery ?? '',
    Agent: swarm?.agent ?? false,
    Master: swarm?.master ?? false,
    Host: swarm?.host ?? '',
    Image: '',
    Strategy: swarm?.strategy ?? '',
    Heartbeat: 0,
    Overcommit: 0,
    ArbitraryFlags: swarm?.options ?? [],
    ArbitraryJoinFlags: swarm?.joinOptions ?? [],
    Env: null,
    IsExperimental: false,
  }
}

function authView(
  { certificateNames }: Machine,
  { root, folder, certs }: ViewPlaces,
): Readonly<Record<string, unknown>> {
  return {
    CertDir: join(root, 'certs'),
    CaCertPath: certs.authority,
    CaPrivateKeyPath: certs.authorityKey,
    CaCertRemotePath: '',
    ServerCertPath: '',
    ServerKeyPath: '',
    ClientKeyPath: certs.clientKey,
    ServerCertRemotePath: '',
    ServerKeyRemotePath: '',
    ClientCertPath: certs.client,
    ServerCertSANs: certificateNames,
    StorePath: folder,
  }
}
