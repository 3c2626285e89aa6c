import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { command } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { endRemembered } from '../../scripts/lib/processes.ts'
import { startRegistry } from '../../scripts/lib/registry.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type PeerOptions, startPeerEngine } from '../support/peer-engine.ts'
import { benchClient, IMAGE } from './engine/client.ts'
import { measureFloor } from './engine/floor.ts'
import { largeArchive, measureImages } from './engine/images.ts'
import { measureLifeCycles } from './engine/life-cycle.ts'
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

/** Everything that users wait for on one host, for Shoal and Docker one after the other, beside bare `runc run`. */
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
    const shoal = await measure(hosts, SHOAL, archive)
    const docker = existsSync('/usr/sbin/dockerd') ? await measure(hosts, DOCKER, archive) : undefined
    return engineRows(shoal, docker, measureFloor(directory))
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

/** On a host of its own, which is gone before the other engine is measured. */
async function measure(hosts: Hosts, options: PeerOptions, archive: Buffer): Promise<EngineFigures> {
  const { socket } = await startPeerEngine(hosts, options)
  const client = benchClient(socket)
  try {
    await client.call('POST', '/images/load', archive)
    const lifeCycles = await measureLifeCycles(client)
    const streams = await measureStreams(client)
    const images = await measureImages(client, LARGE)
    return { lifeCycles, ...streams, ...images, ...(await measureStanding(hosts, options, client)) }
  } finally {
    client.close()
    await hosts.remove(options.name)
  }
}
