import { readFile, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { sleep, withDeadline } from '../../../core/clock.ts'
import { conflict, errorMessage, failed, unavailable } from '../../../core/errors.ts'
import type { Machine } from '../../model/machine.ts'
import type { DriverPorts } from '../driver.ts'
import { listOf, optionalTextOf, textOf } from '../settings.ts'
import { readSshKey, type SshKeyPair } from '../ssh-key.ts'
import { qemuWords, VM_FILES } from './command-line.ts'
import { imageIn, type MachineImage } from './image/build-image.ts'
import { freePort, plugIn, unplug } from './network.ts'
import { type Forward, forwardsOf, isBridged } from './qemu-settings.ts'
import { packSeed } from './seed.ts'
import { lastLines, spawnQemu } from './spawn-qemu.ts'
import { bridgeAddress, macOf, rememberedAs, tapOf, type VmMade } from './vm-made.ts'
import { cutOff, processOf } from './vm-process.ts'

/** The machine's own key, which its person logs in with, and the key that it shows: names in its folder. */
export const LOGIN_KEY = 'id_ed25519'
export const HOST_KEY = 'host_ed25519'

const SSH_PORT = 22
/** An emulated machine on a busy host starts in minutes. */
const BOOT_MS_MAX = 600_000
const POLL_MS = 500
/** Between choosing a free port and QEMU's taking it, somebody else may. */
const TRIES_MAX = 3
const PORT_MS_MAX = 10_000
const PORT_POLL_MS = 100

/** QEMU's own network for one machine (docs/system/devices/net: user mode). */
const USER_NETWORK = { address: '10.0.2.15/24', gateway: '10.0.2.2', nameServers: ['10.0.2.3'] } as const

/** Where the files of a machine's image are. */
export function imageOfVm({ image }: Pick<VmMade, 'image'>, cacheFolder: string): MachineImage {
  return imageIn(isAbsolute(image) ? image : join(cacheFolder, 'qemu', image))
}

/** Starts a machine whose disk is there, and resolves when its sshd greets. Does nothing if it runs. */
export async function launch(machine: Machine, made: VmMade, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const vm = { folder: ports.folder, id: made.id }
  const runs = (await processOf(vm)) !== undefined
  const now = runs ? made : await startQemu(machine, made, ports, signal)
  if (!runs) ports.report('Waiting for the machine to start')
  try {
    await waitForSsh(machine, now, ports, signal)
  } catch (error) {
    if (!runs) await stopHalf(machine, now, ports)
    throw error
  }
}

/** What is there of it when it does not run: nothing on this host. */
export async function afterEnd(machine: Machine, made: VmMade, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  if (isBridged(machine.settings)) await unplug(tapOf(made.id), ports, signal)
}

async function startQemu(machine: Machine, made: VmMade, ports: DriverPorts, signal: AbortSignal): Promise<VmMade> {
  const { settings } = machine
  const image = imageOfVm(made, ports.cacheFolder)
  const seed = packSeed(await seedOf(machine, ports.folder))
  await writeFile(join(ports.folder, VM_FILES.initrd), Buffer.concat([await readFile(image.initrd), seed]), {
    mode: 0o600,
  })
  const tap = tapOf(made.id)
  if (isBridged(settings)) await plugIn(tap, textOf(settings, 'qemu-bridge'), ports, signal)
  for (let attempt = 1; ; attempt++) {
    const now = isBridged(settings) ? made : { ...made, ports: await choosePorts(made, ports, signal) }
    // What a former QEMU that was killed left behind.
    await cutOff({ folder: ports.folder, id: made.id }, ports, signal)
    const facts = {
      name: machine.name,
      id: made.id,
      kernel: image.kernel,
      mac: macOf(made.id),
      tap,
      forwards: allForwards(machine, now),
    }
    try {
      await spawnQemu(qemuWords(settings, facts), ports, signal)
      await ports.remember(rememberedAs(now))
      return now
    } catch (error) {
      const taken = /could not set up host forwarding/i.test(errorMessage(error))
      const ours = taken && forwardsOf(settings).length === 0
      if (ours && attempt < TRIES_MAX) continue
      await stopHalf(machine, now, ports)
      throw error
    }
  }
}

/**
 * sshd's is chosen anew where somebody has taken it. The engine's stays: the machine listens on it, and others know it. A QEMU that
 * was killed may hold it for a moment after it has no command line any more. Throws PORT_TAKEN.
 */
async function choosePorts(
  { ports: before }: VmMade,
  { clock }: Pick<DriverPorts, 'clock'>,
  signal: AbortSignal,
): Promise<{ readonly ssh: number; readonly engine: number }> {
  const wanted = before?.engine ?? 0
  const untilMs = clock.monotonicMs() + PORT_MS_MAX
  for (;;) {
    const engine = await freePort(wanted)
    if (wanted === 0 || engine === wanted) return { ssh: await freePort(before?.ssh), engine }
    if (clock.monotonicMs() >= untilMs) {
      throw conflict(
        'PORT_TAKEN',
        `Port ${wanted} of this host, which leads to the engine, is taken: end what listens there`,
      )
    }
    await sleep(clock, PORT_POLL_MS, signal)
  }
}

function allForwards({ settings }: Machine, { ports }: VmMade): readonly Forward[] {
  if (ports === undefined) return []
  return [{ host: ports.ssh, guest: SSH_PORT }, { host: ports.engine, guest: ports.engine }, ...forwardsOf(settings)]
}

async function seedOf({ name, settings }: Machine, folder: string): Promise<Parameters<typeof packSeed>[0]> {
  const read = (file: string): Promise<SshKeyPair> => readSshKey(join(folder, file))
  const more = await Promise.all(listOf(settings, 'qemu-ssh-public-key').map(path => readFile(path, 'utf8')))
  const shared = {
    hostName: name,
    user: textOf(settings, 'qemu-ssh-user'),
    authorizedKeys: [(await read(LOGIN_KEY)).publicKey, ...more.map(text => text.trim())],
    hostKey: await read(HOST_KEY),
  }
  if (!isBridged(settings)) {
    const named = listOf(settings, 'qemu-dns')
    return { ...shared, ...USER_NETWORK, nameServers: named.length > 0 ? named : USER_NETWORK.nameServers }
  }
  const gateway = optionalTextOf(settings, 'qemu-gateway')
  return {
    ...shared,
    address: textOf(settings, 'qemu-address'),
    nameServers: listOf(settings, 'qemu-dns'),
    ...(gateway === undefined ? {} : { gateway }),
  }
}

async function waitForSsh(machine: Machine, made: VmMade, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const [host, port] =
    made.ports === undefined ? [bridgeAddress(machine.settings), SSH_PORT] : ['127.0.0.1', made.ports.ssh]
  const waiting = async (inner: AbortSignal): Promise<void> => {
    while (!(await ports.greetsBySsh(host, port, inner))) {
      if ((await processOf({ folder: ports.folder, id: made.id })) === undefined) {
        const words = await lastLines(join(ports.folder, VM_FILES.console))
        throw failed('VM_ENDED', `The virtual machine ended while it started; its last words were: ${words}`)
      }
      await sleep(ports.clock, POLL_MS, inner)
    }
  }
  await withDeadline(waiting, BOOT_MS_MAX, {
    clock: ports.clock,
    signal,
    onTimeout: () =>
      unavailable(
        'VM_SILENT',
        `The virtual machine does not answer SSH within ${BOOT_MS_MAX / 1_000} s: see ${join(ports.folder, VM_FILES.console)}`,
      ),
  })
}

/** Not by the caller's signal: what is half there goes away though the person does not wait any more. */
async function stopHalf(machine: Machine, made: VmMade, ports: DriverPorts): Promise<void> {
  const { signal } = new AbortController()
  await cutOff({ folder: ports.folder, id: made.id }, ports, signal)
  await afterEnd(machine, made, ports, signal)
}
