import type { Machine } from '../../../src/machine/model/machine.ts'
import { PLAIN_ENGINE } from '../../../src/machine/model/machine.ts'
import type { Bundle } from '../../../src/machine/provision/bundle/bundle.ts'
import { type HostFacts, parseFacts } from '../../../src/machine/provision/facts/host-facts.ts'
import { ownerFile } from '../../../src/machine/provision/owner-file.ts'
import { hostPrograms } from '../../../src/machine/provision/scripts/host-programs.ts'
import type { Scene } from '../../../src/machine/provision/step.ts'
import { networkFiles } from '../../../src/machine/provision/steps/network-step.ts'
import { sha256, type WishInput, wishFor } from '../../../src/machine/provision/wish.ts'

export type Lines = Readonly<Record<string, readonly string[]>>

/** What a bare Debian tells that has all programs. */
export const BARE: Lines = {
  os: ['PRETTY_NAME="Debian GNU/Linux 12"', 'ID=debian'],
  kernel: ['6.1.0'],
  arch: ['x86_64'],
  clock: ['1000'],
  hostname: ['n1'],
  libc: ['glibc 2.36'],
  cgroup: ['cgroup2'],
  memory: ['4000000'],
  init: ['systemd'],
  disk: ['/opt 90000000', '/var/lib 90000000'],
  feature: ['overlay', 'vxlan', 'nf_tables', 'veth', 'bridge'],
}

export const BUNDLE: Bundle = {
  version: '1.2.3',
  digest: 'd'.repeat(64),
  architecture: 'x86_64',
  content: async () => Buffer.from('archive'),
}

export const MACHINE: Machine = {
  name: 'n1',
  driver: 'generic',
  settings: {},
  engine: PLAIN_ENGINE,
  certificateNames: [],
  createdAtMs: 0,
}

export const SWARM: NonNullable<Machine['swarm']> = {
  discovery: 'etcd://10.0.0.1:2379/',
  master: false,
  agent: true,
  host: 'tcp://0.0.0.0:3376',
  strategy: 'spread',
  options: [],
  joinOptions: [],
}

export function factsOf(changes: Lines = {}): HostFacts {
  return parseFacts(JSON.stringify({ ...BARE, ...changes }), { fromS: 1_000, toS: 1_001 })
}

export function sceneOf(changes: Lines = {}, wish: Partial<WishInput> = {}): Scene {
  const input = { machine: MACHINE, address: '10.0.0.5', url: 'tcp://10.0.0.5:2376', bundle: BUNDLE, offline: false }
  return { facts: factsOf(changes), wish: wishFor({ ...input, ...wish }) }
}

/** What a host tells on which all is as it is to be. */
export function converged(wish: Partial<WishInput> = {}): Lines {
  const scene = sceneOf({}, wish)
  const files = [...scene.wish.files, ...hostPrograms(['agent'], 'systemd'), ...networkFiles(scene), ownerFile(scene)]
  return {
    current: ['versions/1.2.3-dddddddddddd'],
    file: files.map(({ path, content }) => `${sha256(content)} ${path}`),
    service: ['agent active'],
    runs: [`agent ${scene.wish.services[0]?.runs}`],
    owner: [JSON.stringify({ machine: 'n1', cluster: scene.wish.cluster })],
    engine: ['{"name":"n1","version":"1.2.3","running":0}'],
  }
}
