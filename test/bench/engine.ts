import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { command } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { endRemembered } from '../../scripts/lib/processes.ts'
import { startRegistry } from '../../scripts/lib/registry.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type PeerOptions, startPeerEngine } from '../support/peer-engine.ts'
import { type BenchClient, benchClient, IMAGE } from './engine/client.ts'
import { measureFiles } from './engine/files.ts'
import { measureFloor } from './engine/floor.ts'
import { largeArchive, measureImages } from './engine/images.ts'
import { LIFE_CYCLES, type LifeCycle, measureLifeCycle } from './engine/life-cycle.ts'
import { type EngineFigures, engineRows } from './engine/rows.ts'
import { measureStanding } from './engine/standing.ts'
import { measureStreams } from './engine/streams.ts'
import type { BenchRow } from './report.ts'

const REGISTRY = '10.215.0.1:5000'
const LARGE = `${REGISTRY}/large:1`
const INSECURE = ['--insecure-registry', REGISTRY]

/** The embedded engine's program, as it is installed. */
const SHOAL: PeerOptions = { name: 'shoal', address: '10.215.0.11', flags: INSECURE, program: [resolve('bin/shoal')] }
/** Containers outlive a restart of ours; of Docker's they do only if it is told. */
const DOCKER: PeerOptions = { name: 'docker', address: '10.215.0.12', flags: [...INSECURE, '--live-restore'] }

/** Everything that users wait for on one host, for Shoal and Docker in turn, beside bare `runc run`. */
export async function run(): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
  const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'shoal-bench', gateway: '10.215.0.1' })
  const pidFile = join(directory, 'registry/pid')
  try {
    await hosts.open()
    await startRegistry({
      address: REGISTRY,
      pidFile,
      log: join(directory, 'registry/log'),
      storage: join(directory, 'registry/blobs'),
    })
    await pushLarge(directory)
    const archive = await busyboxArchive({ name: IMAGE })
    const programs = existsSync('/usr/sbin/dockerd') ? [SHOAL, DOCKER] : [SHOAL]
    const peers = await Promise.all(programs.map(options => open(hosts, options, archive)))
    const [shoal, docker] = await measure(hosts, peers)
    for (const { client } of peers) client.close()
    return shoal === undefined ? [] : engineRows(shoal, docker, measureFloor(directory))
  } finally {
    await endRemembered(pidFile)
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function pushLarge(directory: string): Promise<void> {
  const file = join(directory, 'large.tar')
  writeFileSync(file, await largeArchive())
  const skopeo = ['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false']
  await command([...skopeo, `docker-archive:${file}`, `docker://${LARGE}`])
  rmSync(file)
}

interface Peer {
  readonly options: PeerOptions
  readonly client: BenchClient
}

async function open(hosts: Hosts, options: PeerOptions, archive: Buffer): Promise<Peer> {
  const { socket } = await startPeerEngine(hosts, options)
  const client = benchClient(socket)
  await client.call('POST', '/images/load', archive)
  return { options, client }
}

/** One thing after the other, and each of all engines in turn: what else the machine does then disturbs them alike. */
async function measure(hosts: Hosts, peers: readonly Peer[]): Promise<readonly EngineFigures[]> {
  const lifeCycles: LifeCycle[][] = peers.map(() => [])
  for (const way of LIFE_CYCLES) {
    for (const [index, { client }] of peers.entries()) lifeCycles[index]?.push(await measureLifeCycle(client, way))
  }
  const streams = await inTurn(peers, ({ client }) => measureStreams(client))
  const images = await inTurn(peers, ({ client }) => measureImages(client, LARGE))
  const files = await inTurn(peers, ({ client }) => measureFiles(client))
  const standings = await inTurn(peers, ({ options, client }) => measureStanding(hosts, options, client))
  return peers.flatMap((_, index) => {
    const [streamed, made, moved, stood] = [streams[index], images[index], files[index], standings[index]]
    if (streamed === undefined || made === undefined || moved === undefined || stood === undefined) return []
    return [{ lifeCycles: lifeCycles[index] ?? [], ...streamed, ...made, ...moved, ...stood }]
  })
}

async function inTurn<T>(peers: readonly Peer[], work: (peer: Peer) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = []
  for (const peer of peers) results.push(await work(peer))
  return results
}
