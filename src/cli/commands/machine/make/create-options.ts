import { DRIVERS, type DriverFlag, MANAGER_LISTEN } from '../../../../machine/index.ts'
import type { OptionDefinition } from '../../../command.ts'
import { ASK_SUDO_PASS } from '../machine-options.ts'

/** Options of `create` that are the same for every driver. */
const COMMON: readonly OptionDefinition[] = [
  { flags: '-d, --driver <name>', summary: 'how to have the machine (default: generic) [$MACHINE_DRIVER]' },
  { flags: '--host <destination>', summary: '[user@]host[:port]: short for the flags of the generic driver' },
  {
    flags: '--engine <kind>',
    summary: "shoal, or docker: the host's own, installed from its distribution where there is none (default: shoal)",
  },
  { flags: '--engine-opt <flag=value>', summary: 'a flag of the engine', repeatable: true },
  { flags: '--engine-label <key=value>', summary: 'a label of the engine', repeatable: true },
  { flags: '--engine-env <name=value>', summary: "a variable of the engine's environment", repeatable: true },
  { flags: '--engine-insecure-registry <host>', summary: 'a registry without TLS', repeatable: true },
  {
    flags: '--engine-registry-mirror <url>',
    summary: 'a mirror of registries [$ENGINE_REGISTRY_MIRROR]',
    repeatable: true,
  },
  { flags: '--engine-storage-driver <name>', summary: 'storage driver of the engine' },
  {
    flags: '--engine-install-url <url>',
    summary: 'a script that installs the engine',
    refused: "is not supported: the engine comes with Shoal, and Docker from the distribution's packages",
    hidden: true,
  },
  {
    flags: '--access <way>',
    summary:
      'to an engine of no cluster: tls (its port, with certificates) or ssh (no open port) (default: tls; with --engine docker always ssh)',
  },
  {
    flags: '--tls-san <name>',
    summary: 'one more name or address for the certificate of an engine of no cluster',
    repeatable: true,
  },
  { flags: '--swarm', summary: 'have it join a cluster' },
  {
    flags: '--swarm-master',
    summary: 'have it run a manager: the first one keeps the store of a cluster, others join it',
  },
  {
    flags: '--swarm-discovery <url>',
    summary:
      "machine://NAME, or the cluster's store (default: the cluster of the machines here; its own name: a new one)",
  },
  { flags: '--insecure', summary: 'without certificates, for a network where everybody may do everything' },
  { flags: '--swarm-strategy <name>', summary: 'spread, binpack or random (default: spread)' },
  { flags: '--swarm-opt <flag=value>', summary: 'a flag of swarm manage', repeatable: true },
  { flags: '--swarm-join-opt <flag=value>', summary: 'a flag of swarm join', repeatable: true },
  { flags: '--swarm-host <url>', summary: `where its manager listens (default: ${MANAGER_LISTEN})` },
  {
    flags: '--swarm-addr <address>',
    summary: 'address to advertise',
    refused: 'is not supported: give --swarm-join-opt advertise=ADDRESS',
    hidden: true,
  },
  {
    flags: '--swarm-image <image>',
    summary: 'an image with Swarm',
    refused: 'is not supported: the manager is a service of the host, not a container',
    hidden: true,
  },
  {
    flags: '--swarm-experimental',
    summary: 'experiments',
    refused: 'is not supported: there are none',
    hidden: true,
  },
]

/** Whom `create` and its kin trust, and how far they go. */
export const PROVISION_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--host-key <fingerprint>', summary: 'the host key to expect, SHA256:…' },
  { flags: '--accept-new', summary: 'trust a host of which nothing is known, and pin its key' },
  ASK_SUDO_PASS,
  { flags: '--from <step>', summary: 'begin with this step' },
  { flags: '--until <step>', summary: 'end with this step' },
  { flags: '--rollback', summary: 'take back what this run changed if it fails' },
  { flags: '--offline', summary: 'use no package mirror' },
  { flags: '--packages <folder>', summary: 'package files to install from' },
  { flags: '-y, --yes', summary: 'do not ask before containers are stopped' },
  { flags: '--dry-run', summary: 'only say what would be changed' },
  { flags: '--progress <kind>', summary: 'auto, tty, plain, json or quiet' },
  { flags: '--json', summary: 'progress and outcome as lines of JSON: --progress json' },
]

/** What says what a machine is to be; a file of `apply` has the same. */
export const MACHINE_OPTIONS: readonly OptionDefinition[] = [
  ...COMMON,
  ...DRIVERS.flatMap(({ name, flags }) => flags.map(flag => optionOf(name, flag))),
]

export const CREATE_OPTIONS: readonly OptionDefinition[] = [...MACHINE_OPTIONS, ...PROVISION_OPTIONS]

function optionOf(driver: string, { name, type, summary, env, preset }: DriverFlag): OptionDefinition {
  const preselected = preset === undefined || preset === '' ? '' : ` (default: ${preset})`
  const variable = env === undefined ? '' : ` [$${env}]`
  return {
    flags: type === 'switch' ? `--${name}` : `--${name} <${type === 'number' ? 'number' : 'value'}>`,
    summary: `${driver}: ${summary}${preselected}${variable}`,
    ...(type === 'list' ? { repeatable: true } : {}),
  }
}
