import { join, resolve } from 'node:path'
import { Hosts } from './hosts.ts'

/** Everything that `npm run up` and `npm run down` agree on. */

export const CHECKOUT = resolve(import.meta.dirname, '../..')
/** State of the demo cluster: etcd, hosts, logs. Removed by `down`. */
export const STATE = '/var/lib/shoal-demo'
/** Demo images, kept by `down` so that the next `up` is quick. */
export const IMAGES = '/var/lib/shoal-demo-images'
export const BRIDGE = 'shoal-demo'
export const GATEWAY = '10.213.0.1'
export const REGISTRY = `${GATEWAY}:5000`
export const ETCD_URL = `etcd://${GATEWAY}:2379/`
export const MANAGER = 'tcp://127.0.0.1:3375'
export const PAGE = 'http://10.213.0.11:8080/'
export const COMPOSE_FILE = join(CHECKOUT, 'examples/visits/compose.yaml')

export interface DemoNode {
  readonly name: string
  readonly address: string
  /** What the example's placement constraints ask for. */
  readonly labels: Readonly<Record<string, string>>
}

export const NODES: readonly DemoNode[] = [
  { name: 'n1', address: '10.213.0.11', labels: { disk: 'ssd' } },
  { name: 'n2', address: '10.213.0.12', labels: { disk: 'hdd' } },
  { name: 'n3', address: '10.213.0.13', labels: { disk: 'hdd' } },
]

export const hosts = new Hosts({ directory: join(STATE, 'hosts'), bridge: BRIDGE, gateway: GATEWAY })

export const pidFile = (program: string): string => join(STATE, 'run', `${program}.pid`)
export const logFile = (program: string): string => join(STATE, 'log', `${program}.log`)
export const launcher = (name: string): string => join(CHECKOUT, 'bin', name)
