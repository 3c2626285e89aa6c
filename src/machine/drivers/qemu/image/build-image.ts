import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { failed } from '../../../../core/errors.ts'
import type { DriverPorts } from '../../driver.ts'
import { runProgram } from '../../run-program.ts'
import { type CpioEntry, packCpio, padToWord } from './cpio.ts'
import { INIT_SCRIPT } from './init-script.ts'
import { modulesInOrder } from './kernel-modules.ts'
import { type ImageContents, type ImageRecipe, imageId, MODULES } from './recipe.ts'

/** What machines start from. */
export interface MachineImage {
  /** A disk in QEMU's format; machines have layers of their own on top of it. */
  readonly disk: string
  readonly kernel: string
  /** What the kernel unpacks first; a machine's seed is put behind it. */
  readonly initrd: string
}

type BuildPorts = Pick<DriverPorts, 'clock' | 'env' | 'report' | 'cacheFolder' | 'cacheExclusively'>

/** Packages are fetched and unpacked: on a slow line, with a busy disk, this may be all that goes on for a long time. */
const BUILD_MS_MAX = 1_800_000
const STEP_MS_MAX = 300_000
/** Of the file system as it is built; each machine's own disk is larger, and the file system then fills it. */
const DISK_BYTES = 4 * 1024 ** 3

/** Where the image of a recipe is, or will be. */
export function imageOf(recipe: ImageRecipe, cacheFolder: string): MachineImage {
  return imageIn(join(cacheFolder, 'qemu', imageId(recipe)))
}

/** Where the files of an image are. */
export function imageIn(folder: string): MachineImage {
  return { disk: join(folder, 'disk.qcow2'), kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd') }
}

/** Whether an image is there, whole. */
export async function isBuilt(image: MachineImage): Promise<boolean> {
  try {
    await Promise.all(Object.values(image).map(path => access(path)))
    return true
  } catch {
    return false
  }
}

/**
 * Builds the image of a recipe from Debian's packages, unless it is there. It appears whole or not at all, and of several who want it at
 * once one builds it. Needs root, as packages write files of several users.
 */
export async function buildImage(recipe: ImageRecipe, ports: BuildPorts, signal: AbortSignal): Promise<MachineImage> {
  const image = imageOf(recipe, ports.cacheFolder)
  if (await isBuilt(image)) return image
  const onWait = (holder: string): void => ports.report(`Waiting for process ${holder}, which builds the image`)
  const build = async (): Promise<MachineImage> => ((await isBuilt(image)) ? image : buildAlone(recipe, ports, signal))
  return ports.cacheExclusively(imageId(recipe), build, { signal, onWait })
}

async function buildAlone(recipe: ImageRecipe, ports: BuildPorts, signal: AbortSignal): Promise<MachineImage> {
  const image = imageOf(recipe, ports.cacheFolder)
  const folder = dirname(image.disk)
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  await removeHalves(folder)
  const work = await mkdtemp(`${folder}.`)
  try {
    const root = join(work, 'root')
    const done = join(work, 'image')
    await mkdir(done)
    ports.report(`Building the image of virtual machines from Debian ${recipe.suite}, once: this takes minutes`)
    await unpack(recipe, root, ports, signal)
    await adapt(root, recipe.contents)
    await writeFile(join(done, 'initrd'), await packInitrd(root))
    await takeKernel(root, join(done, 'vmlinuz'))
    ports.report('Writing the disk of the image')
    await writeDisk(root, done, ports, signal)
    await putInPlace(done, folder)
    return image
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function unpack(recipe: ImageRecipe, root: string, ports: BuildPorts, signal: AbortSignal): Promise<void> {
  const words = [
    'mmdebstrap',
    '--mode=root',
    '--format=directory',
    '--variant=essential',
    '--architectures=amd64',
    `--include=${[...recipe.contents.packages, ...recipe.packages].join(',')}`,
    recipe.suite,
    root,
    ...(recipe.mirror === '' ? [] : [recipe.mirror]),
  ]
  // The kernel's package would make an initial file system of its own, which takes longer than all the rest.
  const env = { ...ports.env, INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' }
  await runProgram(words, { clock: ports.clock, env, timeoutMs: BUILD_MS_MAX, signal })
}

/** Lays our files over a fresh root, which nobody else writes to. */
async function adapt(root: string, { files, links, leftOut }: ImageContents): Promise<void> {
  for (const path of leftOut) await rm(join(root, path), { recursive: true, force: true })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await rm(join(root, path), { force: true })
    await symlink(target, join(root, path))
  }
}

async function packInitrd(root: string): Promise<Buffer> {
  const modules = join(root, 'usr/lib/modules', await onlyName(join(root, 'usr/lib/modules'), () => true))
  const [dependencies, builtin] = await Promise.all(
    ['modules.dep', 'modules.builtin'].map(name => readFile(join(modules, name), 'utf8')),
  )
  const paths = modulesInOrder(MODULES, { dependencies: dependencies ?? '', builtin: builtin ?? '' })
  const files = await Promise.all(
    paths.map(async (path, index): Promise<CpioEntry> => {
      return { path: `modules/${index}`, mode: 0o644, content: await readFile(join(modules, path)) }
    }),
  )
  const folders = ['bin', 'dev', 'proc', 'sys', 'root', 'modules']
  const order = `${paths.map((_path, index) => index).join('\n')}\n`
  const archive = packCpio([
    ...folders.map(path => ({ path, mode: 0o755 })),
    { path: 'init', mode: 0o755, content: Buffer.from(INIT_SCRIPT) },
    { path: 'bin/busybox', mode: 0o755, content: await readFile(join(root, 'usr/bin/busybox')) },
    { path: 'modules/order', mode: 0o644, content: Buffer.from(order) },
    ...files,
  ])
  return padToWord(await promisify(gzip)(archive))
}

async function takeKernel(root: string, to: string): Promise<void> {
  const boot = join(root, 'boot')
  await rename(join(boot, await onlyName(boot, name => name.startsWith('vmlinuz-'))), to)
  // The rest of it is for a boot loader.
  await rm(boot, { recursive: true, force: true })
}

async function onlyName(folder: string, fits: (name: string) => boolean): Promise<string> {
  const names = (await readdir(folder)).filter(fits)
  const [name] = names
  if (name === undefined || names.length > 1) {
    throw failed('BAD_IMAGE', `Expected one kernel in ${folder} of the image and found ${names.length}`)
  }
  return name
}

async function writeDisk(root: string, folder: string, ports: BuildPorts, signal: AbortSignal): Promise<void> {
  const run = (words: readonly string[]): Promise<string> =>
    runProgram(words, { clock: ports.clock, env: ports.env, timeoutMs: STEP_MS_MAX, signal })
  const raw = join(folder, 'disk.raw')
  await run(['mke2fs', '-q', '-t', 'ext4', '-m', '1', '-L', 'machine', '-d', root, raw, `${DISK_BYTES / 1024}k`])
  await run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, join(folder, 'disk.qcow2')])
  await rm(raw)
}

/** What those left who were ended while they built the same. */
async function removeHalves(folder: string): Promise<void> {
  const names = await readdir(dirname(folder))
  const halves = names.filter(name => name.startsWith(`${basename(folder)}.`))
  await Promise.all(halves.map(name => rm(join(dirname(folder), name), { recursive: true, force: true })))
}

async function putInPlace(done: string, folder: string): Promise<void> {
  try {
    await rename(done, folder)
  } catch (cause) {
    throw failed('BAD_IMAGE', `Cannot put the image at ${folder}: remove that folder`, { cause })
  }
}
