import { access, constants, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { failed, invalidInput } from '../../../core/errors.ts'
import type { Machine, Settings } from '../../model/machine.ts'
import type { DriverPorts } from '../driver.ts'
import { runProgram } from '../run-program.ts'
import { listOf, numberOf, optionalTextOf, textOf } from '../settings.ts'
import { keepSshKey, publicKeyFingerprint } from '../ssh-key.ts'
import { VM_FILES } from './command-line.ts'
import { buildImage, imageIn, imageOf, isBuilt } from './image/build-image.ts'
import { type ImageRecipe, MEMBER } from './image/recipe.ts'
import { HOST_KEY, imageOfVm, LOGIN_KEY, launch } from './launch.ts'
import { isBridged } from './qemu-settings.ts'
import { madeOf, newVmId, rememberedAs, type VmMade } from './vm-made.ts'

const PROGRAM_MS_MAX = 60_000
const ROOT = 0

/** Throws what this host lacks. */
export async function precheckVm({ settings }: Machine, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const lacks = (message: string): Error => failed('CANNOT_MAKE', message)
  const run = (words: readonly string[]): Promise<string> =>
    runProgram(words, { clock: ports.clock, env: ports.env, timeoutMs: PROGRAM_MS_MAX, signal })
  if (process.arch !== 'x64') throw lacks(`Virtual machines are made on x86-64 hosts only, and this is ${process.arch}`)
  await run(['qemu-system-x86_64', '--version'])
  await run(['qemu-img', '--version'])
  if (textOf(settings, 'qemu-accel') === 'kvm') {
    await access('/dev/kvm', constants.R_OK | constants.W_OK).catch(cause => {
      throw failed('CANNOT_MAKE', '/dev/kvm cannot be used: join the group kvm, or use --qemu-accel tcg', { cause })
    })
  }
  if (isBridged(settings)) {
    if (process.getuid?.() !== ROOT) throw lacks('--qemu-network bridge needs root: use sudo, or the user network')
    await run(['ip', 'link', 'show', 'dev', textOf(settings, 'qemu-bridge'), 'type', 'bridge'])
  }
  for (const path of listOf(settings, 'qemu-ssh-public-key')) {
    await access(path, constants.R_OK).catch(cause => {
      throw invalidInput('BAD_FLAG', `Cannot read ${path} of --qemu-ssh-public-key`, { cause })
    })
  }
  const named = optionalTextOf(settings, 'qemu-image')
  const image = named === undefined ? imageOf(recipeOf(settings), ports.cacheFolder) : imageIn(named)
  if (await isBuilt(image)) return
  if (named !== undefined) {
    throw invalidInput('BAD_FLAG', `${named} of --qemu-image is no image: it needs disk.qcow2, vmlinuz and initrd`)
  }
  await run(['mmdebstrap', '--version'])
  if (process.getuid?.() !== ROOT) {
    throw lacks(`Building the image needs root, once: use sudo, or --qemu-image with one that was built elsewhere`)
  }
}

/** Makes a virtual machine and starts it. */
export async function createVm(machine: Machine, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const { folder, random } = ports
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await keepSshKey(join(folder, LOGIN_KEY), machine.name, random)
  const hostKey = await keepSshKey(join(folder, HOST_KEY), machine.name, random)
  const before = madeOf(machine)
  const made: VmMade = before ?? {
    id: newVmId(random),
    image: await imageFor(machine.settings, ports, signal),
    hostKey: publicKeyFingerprint(hostKey),
    ...(isBridged(machine.settings) ? {} : { ports: NO_PORTS }),
  }
  if (before === undefined) await ports.remember(rememberedAs(made))
  await makeDisk(machine.settings, made, ports, signal)
  await launch(machine, made, ports, signal)
}

/** Taken before it was ever started, and so free to be chosen. */
const NO_PORTS = { ssh: 0, engine: 0 }

/** What the image of a machine is made of. */
function recipeOf(settings: Settings): ImageRecipe {
  return {
    contents: MEMBER,
    suite: textOf(settings, 'qemu-suite'),
    mirror: optionalTextOf(settings, 'qemu-mirror') ?? '',
    packages: listOf(settings, 'qemu-package').toSorted(),
  }
}

async function imageFor(settings: Settings, ports: DriverPorts, signal: AbortSignal): Promise<string> {
  const named = optionalTextOf(settings, 'qemu-image')
  if (named !== undefined) return named
  const image = await buildImage(recipeOf(settings), ports, signal)
  return basename(dirname(image.disk))
}

async function makeDisk(settings: Settings, made: VmMade, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const disk = join(ports.folder, VM_FILES.disk)
  const isThere = await access(disk).then(
    () => true,
    () => false,
  )
  if (isThere) return
  const part = `${disk}.part`
  await rm(part, { force: true })
  const base = imageOfVm(made, ports.cacheFolder).disk
  // Told as the way from this disk: the store may be moved as a whole.
  const way = made.image.startsWith('/') ? base : relative(ports.folder, base)
  const words = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', way, part]
  const size = `${numberOf(settings, 'qemu-disk')}M`
  await runProgram([...words, size], { clock: ports.clock, env: ports.env, timeoutMs: PROGRAM_MS_MAX, signal })
  await rename(part, disk)
}
