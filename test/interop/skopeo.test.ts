import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import { endRemembered } from '../../scripts/lib/processes.ts'
import { startRegistry } from '../../scripts/lib/registry.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import type { PeerName } from '../support/peer-engine.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree, directory, gateway } = twoEngines({ subnet: 224, images: [image] })
/** A registry for each engine, so that neither finds there what the other one brought. */
const PORTS = { shoal: 5000, docker: 5001 }
const registryOf = (name: PeerName): string => `${gateway}:${PORTS[name]}`
const pidFile = (name: PeerName): string => join(directory(), `registry-${name}/pid`)

beforeAll(async () => {
  for (const name of ['shoal', 'docker'] as const) {
    const home = join(directory(), `registry-${name}`)
    const files = { pidFile: pidFile(name), log: join(home, 'log'), storage: join(home, 'blobs') }
    await startRegistry({ address: registryOf(name), ...files })
  }
})
afterAll(async () => {
  for (const name of ['shoal', 'docker'] as const) await endRemembered(pidFile(name))
})

it('skopeo copies images in and out of the engine', () =>
  agree(async script => {
    const registry = registryOf(script.engine.name)
    const mine = `${registry}/app`
    script.rename(registry, '<registry>')
    const skopeo = (words: string, title: string): Promise<string> =>
      script.run(['skopeo', '--insecure-policy', ...words.split(' ')], { title })
    const daemon = (name: string): string => `docker-daemon:${name}`
    const [from, to] = [`--src-daemon-host ${script.engine.url}`, `--dest-daemon-host ${script.engine.url}`]
    const oci = join(directory(), `oci-${script.engine.name}`)
    await skopeo(
      `inspect --daemon-host ${script.engine.url} ${daemon('busybox:test')} --format {{.Digest}}-{{.Os}}-{{.Layers}}`,
      'inspect in the engine',
    )
    await skopeo(`copy -q ${from} ${daemon('busybox:test')} oci:${oci}:out`, 'copy out to a layout')
    await skopeo(`copy -q ${to} oci:${oci}:out ${daemon('came:back')}`, 'copy in from a layout')
    await skopeo(
      `copy -q --dest-tls-verify=false ${from} ${daemon('came:back')} docker://${mine}:1`,
      'copy out to a registry',
    )
    await skopeo(
      `inspect --tls-verify=false docker://${mine}:1 --format {{.Architecture}}-{{.Env}}`,
      'inspect in the registry',
    )
    await script.run(['docker', 'pull', `${mine}:1`], { title: 'pull what was copied' })
    await script.run(['docker', 'run', '--rm', `${mine}:1`, 'cat', '/srv/page'], { title: 'run what was copied' })
    await script.run(['docker', 'tag', `${mine}:1`, `${mine}:2`], { title: 'tag' })
    await script.run(['docker', 'push', `${mine}:2`], { title: 'push' })
    await skopeo(
      `copy -q --src-tls-verify=false ${to} docker://${mine}:2 ${daemon('pushed:1')}`,
      'copy in from a registry',
    )
    await script.run(['docker', 'run', '--rm', 'pushed:1', 'cat', '/srv/page'])
    await script.run(['docker', 'pull', `${mine}:nosuch`], { title: 'pull what is not there' })
    await script.run(['docker', 'rmi', 'came:back', 'pushed:1', `${mine}:1`, `${mine}:2`], {
      title: 'rmi',
      sorted: true,
    })
  }))
