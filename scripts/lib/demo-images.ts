import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { hashOf } from '../../src/core/digest.ts'
import { silentLog } from '../../src/core/log.ts'
import { systemRandom } from '../../src/core/random.ts'
import type { ContainerConfig } from '../../src/docker-api/index.ts'
import { createImageStore } from '../../src/runtime/images/index.ts'
import { unpackPackages } from './debian-root.ts'

interface DemoImage {
  readonly name: string
  readonly packages: readonly string[]
  /** Folders of this checkout that are copied into the image. */
  readonly files: Readonly<Record<string, string>>
  readonly config: ContainerConfig
}

const CHECKOUT = resolve(import.meta.dirname, '../..')
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const IMAGES: readonly DemoImage[] = [
  {
    name: 'visits-app:1',
    packages: ['python3-minimal', 'libpython3.11-stdlib'],
    files: { 'examples/visits/app': 'app' },
    config: {
      Env: [PATH, 'PYTHONDONTWRITEBYTECODE=1'],
      WorkingDir: '/app',
      ExposedPorts: { '8000/tcp': {} },
      StopSignal: 'SIGKILL',
    },
  },
  {
    name: 'visits-redis:1',
    packages: ['redis-server', 'redis-tools'],
    files: {},
    config: { Env: [PATH], Cmd: ['redis-server'], ExposedPorts: { '6379/tcp': {} } },
  },
]

/**
 * Makes the demo's images from Debian packages, with the engine's own image store, and pushes them to the registry.
 * Images that are there already are left alone, but for those whose packages or files changed.
 */
export async function prepareDemoImages(
  registry: string,
  directory: string,
  say: (text: string) => void,
): Promise<void> {
  for (const image of IMAGES) {
    const stamp = stampOf(image)
    const stampFile = join(directory, `${image.name}.stamp`)
    const made = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp
    if (made && (await isInRegistry(registry, image.name))) continue
    say(`Making image ${image.name} from Debian packages: ${image.packages.join(', ')}`)
    await makeImage(image, registry, directory)
    await writeFile(stampFile, stamp)
  }
}

/** Changes when the image would. */
function stampOf({ packages, files, config }: DemoImage): string {
  const contents = Object.keys(files).map(folder =>
    readdirSync(join(CHECKOUT, folder)).map(name => [name, readFileSync(join(CHECKOUT, folder, name), 'utf8')]),
  )
  return hashOf({ packages, files, config, contents })
}

async function makeImage(image: DemoImage, registry: string, directory: string): Promise<void> {
  const work = join(directory, 'work')
  await rm(work, { recursive: true, force: true })
  try {
    const base = join(work, 'base')
    await unpackPackages(base, image.packages)
    await mkdir(join(base, 'tmp'), { recursive: true, mode: 0o1777 })
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
    const name = `${registry}/${image.name}`
    await store.createImage({ layers, config: image.config, tags: [name] })
    await store.images.push(name, {}, AbortSignal.timeout(120_000))
  } finally {
    await rm(work, { recursive: true, force: true })
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
