import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { command } from '../../../scripts/lib/command.ts'
import { Hosts } from '../../../scripts/lib/hosts.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { talkTo } from '../../support/engine-http.ts'
import { type PeerEngine, startPeerEngine } from '../../support/peer-engine.ts'
import { type BenchRow, percentile } from '../report.ts'

const RUNS = 7
const STEPS = [
  ['up -d', ['up', '-d', '--scale', 'web=3']],
  ['up -d again', ['up', '-d', '--scale', 'web=3']],
  ['down', ['down', '-v', '-t', '0']],
] as const
const PROGRAMS = ['shoal', 'docker-compose'] as const

type Samples = Map<string, number[]>

/** A project of four containers brought up and taken down on one stock engine, by ours and by docker-compose 1.29.2 in turn. */
export async function sideBySide(): Promise<readonly BenchRow[]> {
  if (!existsSync('/usr/bin/docker-compose') || !existsSync('/usr/sbin/dockerd')) return []
  const directory = mkdtempSync(join(tmpdir(), 'shoal-bench-beside-'))
  const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'shoal-beside', gateway: '10.216.1.1' })
  try {
    await hosts.open()
    const engine = await startPeerEngine(hosts, { name: 'docker', address: '10.216.1.11' })
    const http = talkTo(engine.socket)
    await http.call('POST', '/images/load', await busyboxArchive({ files: { 'srv/page': 'a page' } }))
    http.close()
    const cwd = join(directory, 'web')
    cpSync(join(import.meta.dirname, '../../interop/projects/web'), cwd, { recursive: true })
    const samples: Samples = new Map()
    for (let run = 0; run <= RUNS; run++) {
      // The first run warms caches, and is not counted.
      for (const program of PROGRAMS) await measure(program, engine, { cwd, samples: run === 0 ? new Map() : samples })
    }
    return STEPS.map(([name]) => row(name, samples))
  } finally {
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(
  program: (typeof PROGRAMS)[number],
  { url }: PeerEngine,
  { cwd, samples }: { readonly cwd: string; readonly samples: Samples },
): Promise<void> {
  const own = program === 'shoal' ? [resolve('bin/compose')] : ['docker-compose', '--no-ansi']
  const env = { ...process.env, DOCKER_HOST: url, COMPOSE_HTTP_TIMEOUT: '60' }
  for (const [name, words] of STEPS) {
    const began = performance.now()
    await command([...own, ...words], { cwd, env })
    const key = `${program} ${name}`
    samples.set(key, [...(samples.get(key) ?? []), performance.now() - began])
  }
}

function row(name: string, samples: Samples): BenchRow {
  const [ours, theirs] = PROGRAMS.map(program => percentile(samples.get(`${program} ${name}`) ?? [], 0.5))
  return {
    name: `compose ${name}, 4 containers on one stock engine, p50`,
    value: ours ?? Number.NaN,
    unit: 'ms',
    peer: { name: 'docker-compose', value: theirs ?? Number.NaN },
  }
}
