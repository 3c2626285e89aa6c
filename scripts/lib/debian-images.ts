import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, chown, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { hashOf } from '../../src/core/digest.ts'
import { silentLog } from '../../src/core/log.ts'
import { systemRandom } from '../../src/core/random.ts'
import type { ContainerConfig } from '../../src/docker-api/index.ts'
import { createImageStore } from '../../src/runtime/images/index.ts'
import { unpackPackages } from './debian-root.ts'

/** An image that is made of Debian packages. */
export interface DebianImage {
  readonly name: string
  /** More images of the same files: their names, and what their configuration says otherwise. */
  readonly variants?: Readonly<Record<string, ContainerConfig>>
  readonly packages: readonly string[]
  /** What of the packages, below the root, the image does not need: paths, or how they begin. */
  readonly without?: readonly string[]
  /** Folders of this checkout that are copied into the image. */
  readonly files: Readonly<Record<string, string>>
  /** Empty directories, each with the user it belongs to. */
  readonly directories?: Readonly<Record<string, number>>
  readonly config: ContainerConfig
}

const CHECKOUT = resolve(import.meta.dirname, '../..')

/**
 * Makes images from Debian packages, with the engine's own image store, and pushes them to the registry. `directory` remembers
 * them: images that are there already are left alone, but for those whose packages or files changed.
 */
export async function prepareImages(
  images: readonly DebianImage[],
  { registry, directory, say }: { registry: string; directory: string; say: (text: string) => void },
): Promise<void> {
  for (const image of images) {
    const stamp = stampOf(image)
    const stampFile = join(directory, `${image.name.replaceAll('/', '_')}.stamp`)
    const made = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp
    if (made && (await isInRegistry(registry, image.name))) continue
    say(`Making image ${image.name} from Debian packages: ${image.packages.join(', ')}`)
    await makeImage(image, registry, directory)
    await writeFile(stampFile, stamp)
  }
}

/** Changes when the image would. */
function stampOf({ packages, files, config, variants, without, directories }: DebianImage): string {
  const contents = Object.keys(files).map(folder =>
    readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => statSync(join(CHECKOUT, folder, name)).isFile())
      .map(name => [name, readFileSync(join(CHECKOUT, folder, name), 'utf8')]),
  )
  return hashOf({ packages, files, config, variants, without, directories, contents })
}

async function makeImage(image: DebianImage, registry: string, directory: string): Promise<void> {
  const work = join(directory, 'work')
  await rm(work, { recursive: true, force: true })
  try {
    const base = join(work, 'base')
    await unpackPackages(base, image.packages)
    for (const path of image.without ?? []) await removeAll(base, path)
    await mkdir(join(base, 'tmp'), { recursive: true })
    // Not with the mode above: the umask takes away from that.
    await chmod(join(base, 'tmp'), 0o1777)
    for (const [path, uid] of Object.entries(image.directories ?? {})) {
      await mkdir(join(base, path), { recursive: true })
      await chown(join(base, path), uid, uid)
    }
    const files = join(work, 'files')
    await mkdir(files, { recursive: true })
    for (const [from, to] of Object.entries(image.files)) {
      await cp(join(CHECKOUT, from), join(files, to), { recursive: true })
    }
    const store = await createImageStore(
      { dataRoot: join(work, 'store'), insecureRegistries: [registry], registryMirrors: [] },
      { clock: systemClock, random: systemRandom, log: silentLog },
    )
    const roots = Object.keys(image.files).length === 0 ? [base] : [base, files]
    const layers = []
    for (const root of roots) layers.push(await store.addLayer({ directory: root, kind: 'tree', mtimeMaxSeconds: 0 }))
    for (const [short, different] of Object.entries({ [image.name]: {}, ...image.variants })) {
      const name = `${registry}/${short}`
      await store.createImage({ layers, config: { ...image.config, ...different }, tags: [name] })
      await store.images.push(name, {}, AbortSignal.timeout(120_000))
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Removes what begins with a path below a root. */
async function removeAll(root: string, path: string): Promise<void> {
  const directory = join(root, dirname(path))
  const names = existsSync(directory) ? readdirSync(directory) : []
  for (const name of names.filter(name => name.startsWith(basename(path)))) {
    await rm(join(directory, name), { recursive: true })
  }
}

async function isInRegistry(registry: string, name: string): Promise<boolean> {
  const [repository = '', tag = ''] = name.split(':')
  const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
  const response = await fetch(`http://${registry}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept },
  })
  return response.ok
}
