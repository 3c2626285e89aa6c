export { type CertPlaces, certPlaces, type NamedCerts } from './certs/cert-places.ts'
export { type CertPorts, type ClientFiles, StoreCerts } from './certs/store-certs.ts'
export type {
  Driver,
  DriverFlag,
  DriverPorts,
  DriverWork,
  Snapshot,
  SnapshotWork,
  SshTarget,
  Whereabouts,
} from './drivers/driver.ts'
export { DRIVERS, driverOf } from './drivers/registry.ts'
export { withoutSecrets } from './drivers/secrets.ts'
export { readSettings, type WrittenFlags } from './drivers/settings.ts'
export { driverPorts } from './drivers/system-ports.ts'
export { MANAGER_LISTEN, managerPort, STORE_PORT } from './model/cluster-ports.ts'
export {
  type EngineSettings,
  hasEngine,
  type Machine,
  type MachineState,
  PLAIN_ENGINE,
  type Settings,
  type SwarmSettings,
} from './model/machine.ts'
export { checkMachineName } from './model/machine-name.ts'
export { managerUrl } from './model/manager-url.ts'
export type { StoreFiles } from './ports.ts'
export type { Bundle } from './provision/bundle/bundle.ts'
export { type BundlePlaces, openBundle } from './provision/bundle/open-bundle.ts'
export { type CleanOptions, cleanHost } from './provision/clean-host.ts'
export { createToken } from './provision/create-token.ts'
export { hasOwnTls, managerName, plainStore } from './provision/daemon-words.ts'
export type { ProvisionEvent } from './provision/event.ts'
export { exitCodeOf } from './provision/exit-code.ts'
export { ENGINE_SOCKET, LOG_FILES, MANAGER_SOCKET, PLACES } from './provision/host-paths.ts'
export { findPrivilege } from './provision/privilege.ts'
export type { PeerAccess } from './provision/probe-overlay.ts'
export { provisionHost } from './provision/provision-host.ts'
export type {
  ProvisionOptions,
  ProvisionPorts,
  ProvisionRequest,
  ProvisionResult,
} from './provision/provision-options.ts'
export { hasBegun, type ProvisionRecord, readProvisionRecord } from './provision/provision-record.ts'
export { type Privilege, RootShell } from './provision/root-shell.ts'
export { STEP_NAMES, type StepName } from './provision/step.ts'
export type { Certifier, Membership, TrustFiles } from './provision/trust.ts'
export { upgradeHost } from './provision/upgrade-host.ts'
export { shellOf, shellText, type Variables } from './shell/shell-text.ts'
export { type ClientHost, clientConfig } from './ssh/client-config.ts'
export { connectHost, type HostRequest } from './ssh/connect-host.ts'
export type { HostKey } from './ssh/host-key.ts'
export { parseJump as parseHost } from './ssh/jump-hosts.ts'
export { dumpSshConfig } from './ssh/openssh-config.ts'
export type { RemoteResult, RunOptions, StreamTransport, Transport } from './ssh/transport.ts'
export { readDockerMachine, TAKEN_KEY } from './store/docker-machine-record.ts'
export { dockerMachineView } from './store/docker-machine-view.ts'
export { readIfThere } from './store/if-there.ts'
export { MachineStore } from './store/machine-store.ts'
export { type Packed, packMachines, unpackMachines } from './store/parcel.ts'
