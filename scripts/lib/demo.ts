import { resolve } from 'node:path'
import { LocalCluster } from './local-cluster.ts'

/** What `npm run up` and `npm run down` agree on. */

/** Demo images, kept by `down` so that the next `up` is quick. */
export const IMAGES_DIRECTORY = '/var/lib/shoal-demo-images'
export const COMPOSE_FILE = resolve(import.meta.dirname, '../../examples/visits/compose.yaml')
const STATE_DIRECTORY = '/var/lib/shoal-demo'

export const say = (text: string): void => void process.stderr.write(`==> ${text}\n`)

/** The demo cluster: three hosts, one of them with the label that the example's redis asks for. */
export function demoCluster(): LocalCluster {
  return new LocalCluster({
    directory: STATE_DIRECTORY,
    imagesDirectory: IMAGES_DIRECTORY,
    bridge: 'shoal-demo',
    subnet: '10.213.0',
    nodes: { n1: { disk: 'ssd' }, n2: { disk: 'hdd' }, n3: { disk: 'hdd' } },
    say,
  })
}
