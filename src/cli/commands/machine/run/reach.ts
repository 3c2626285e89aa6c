import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { conflict, failed, unsupported } from '../../../../core/errors.ts'
import {
  type ClientHost,
  clientConfig,
  driverOf,
  type HostKey,
  type HostRequest,
  type Machine,
  type Transport,
} from '../../../../machine/index.ts'
import { stateOf } from '../look/state.ts'
import type { MachineCommand } from '../machine-command.ts'

type Reaching = Pick<MachineCommand, 'context' | 'store' | 'world'>

/** Whom a person trusts beyond what is known: a fingerprint, or any host that is met for the first time. */
export interface HostTrust {
  readonly expectedKey?: string
  readonly acceptNew: boolean
  /** Its key is not remembered. */
  readonly isOnlyLook?: boolean
}

/** How a machine is reached over SSH. Throws NO_SSH for one that cannot be. */
export async function hostRequestOf(
  machine: Machine,
  { store }: Pick<MachineCommand, 'store'>,
  { expectedKey, acceptNew }: HostTrust = { acceptNew: false },
): Promise<HostRequest> {
  const { ssh } = driverOf(machine.driver).whereabouts(machine)
  if (ssh === undefined) {
    throw unsupported(
      'NO_SSH',
      `Machine "${machine.name}" has no SSH: of a machine with the driver "${machine.driver}" only its URL is known`,
    )
  }
  const key =
    ssh.keyPath === undefined || isAbsolute(ssh.keyPath) ? ssh.keyPath : join(store.folderOf(machine.name), ssh.keyPath)
  const expected = expectedKey ?? ssh.hostKey
  return {
    host: ssh.host,
    port: ssh.port,
    user: ssh.user,
    pinned: await store.pinnedKeys(machine.name),
    acceptNew,
    ...(key === undefined ? {} : { keyPath: key }),
    ...(expected === undefined ? {} : { expectedKey: expected }),
  }
}

/** Connects to a machine, and pins the host key that it shows, unless it is only looked at. */
export async function connectMachine(machine: Machine, command: Reaching, trust?: HostTrust): Promise<Transport> {
  const { context, store, world } = command
  const request = await hostRequestOf(machine, command, trust)
  const shown: HostKey[] = []
  const transport = await world.connect(
    {
      ...request,
      onPin(key) {
        shown.push(key)
      },
    },
    context,
    context.signal,
  )
  try {
    if (trust?.isOnlyLook !== true) for (const key of shown) await store.pin(machine.name, key)
    return transport
  } catch (error) {
    await transport.close()
    throw error
  }
}

/** Throws NOT_RUNNING, in docker-machine's words. */
export async function checkReachable(machine: Machine, command: Reaching): Promise<void> {
  if ((await stateOf(machine, command)) === 'Running') return
  throw conflict(
    'NOT_RUNNING',
    `Cannot run SSH command: Host "${machine.name}" is not running: start it, or see \`machine doctor ${machine.name}\``,
  )
}

/**
 * Has work done with a configuration of ssh in which the machines go by their names. It is deleted afterwards. Throws PROGRAM_MISSING
 * where there is no ssh.
 */
export async function withSshConfig<T>(
  machines: readonly Machine[],
  command: Reaching,
  work: (configFile: string) => Promise<T>,
): Promise<T> {
  const hosts = await Promise.all(machines.map(machine => clientHostOf(machine, command)))
  const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
  try {
    const file = join(folder, 'config')
    await writeFile(file, clientConfig(hosts, ['~/.ssh/config', '/etc/ssh/ssh_config']), { mode: 0o600 })
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function clientHostOf(machine: Machine, { context, store, world }: Reaching): Promise<ClientHost> {
  const request = await hostRequestOf(machine, { store })
  const dump = await world.sshConfigOf(request, context.env)
  if (dump === undefined) {
    throw failed('PROGRAM_MISSING', 'This needs ssh, which is not installed on this machine: install openssh-client')
  }
  return {
    name: machine.name,
    dump,
    ...(request.keyPath === undefined ? {} : { keyPath: request.keyPath }),
    ...(request.pinned.length === 0 ? {} : { pinnedFile: store.pinnedFileOf(machine.name) }),
  }
}
