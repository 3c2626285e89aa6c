import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { mapParallel } from '../../../src/core/parallel.ts'
import { type BenchRow, percentile } from '../report.ts'
import type { MachineLab } from './lab.ts'
import type { MeasuredRun } from './measured-run.ts'
import { repeat } from './repeat.ts'

const HOSTS = 50
const RUNS = 3
const STARTS_AT_ONCE = 4
/** What `machine` itself allows, so that the peers do the same. */
const EXEC_AT_ONCE = 8
const LOOKS_AT_ONCE = 64
const ASK_VERSION = "docker version --format '{{.Server.Version}}'"

/** What it costs to ask a fleet of hosts: time, memory and connections of one `machine`, beside as many `ssh` at once. */
export async function measureManyHosts(lab: MachineLab): Promise<readonly BenchRow[]> {
  const names = Array.from({ length: HOSTS }, (_, index) => `h${index}`)
  await mapParallel(names, STARTS_AT_ONCE, name => lab.start(name))
  const engines = await Promise.all(names.map(name => pretendEngine(join(lab.rootOf(name), 'run/docker.sock'))))
  try {
    const file = join(lab.directory, 'hosts.yaml')
    writeFileSync(file, hostsFile(lab, names))
    const applied = await lab.machine(['apply', '-f', file, '--accept-new', '--until', 'connect'])
    const listed = await repeat(RUNS, () => lab.machine(['ls', '--format', '{{.DockerVersion}}']))
    const versions = listed.flatMap(({ stdout }) => stdout.trim().split('\n'))
    if (versions.filter(version => version === 'v20.10.24').length !== HOSTS * RUNS) {
      throw new Error(`not every engine was asked: ${[...new Set(versions)].join(', ')}`)
    }
    const ran = await repeat(RUNS, () => lab.machine(['exec', names.join(','), 'true']))
    const looked = await repeat(RUNS, () =>
      lab.time(parallelSsh(lab, names, { command: ASK_VERSION, atOnce: LOOKS_AT_ONCE })),
    )
    const done = await repeat(RUNS, () => lab.time(parallelSsh(lab, names, { command: 'true', atOnce: EXEC_AT_ONCE })))
    return [
      ...rowsOf(`machine apply of ${HOSTS} hosts, until all let us in`, [applied]),
      ...rowsOf(`machine ls of ${HOSTS} hosts`, listed, { name: `${LOOKS_AT_ONCE} ssh at once`, samples: looked }),
      ...rowsOf(`machine exec true on ${HOSTS} hosts`, ran, { name: `${EXEC_AT_ONCE} ssh at once`, samples: done }),
    ]
  } finally {
    for (const engine of engines) engine.close()
  }
}

function rowsOf(
  name: string,
  runs: readonly MeasuredRun[],
  peer?: { readonly name: string; readonly samples: readonly number[] },
): readonly BenchRow[] {
  const most = (of: (run: MeasuredRun) => number): number => Math.max(...runs.map(of))
  const value = percentile(
    runs.map(({ ms }) => ms),
    0.5,
  )
  const beside = peer === undefined ? {} : { peer: { name: peer.name, value: percentile(peer.samples, 0.5) } }
  return [
    { name, value, unit: 'ms', ...beside },
    { name: '  its memory at most', value: most(({ peakMib }) => peakMib), unit: 'MiB' },
    { name: '  its connections at most', value: most(({ peakConnections }) => peakConnections), unit: '' },
  ]
}

/** Says which version it is, and nothing else: fifty engines would measure each other. */
async function pretendEngine(socket: string): Promise<Server> {
  const version = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' }
  const server = createServer((request, response) => {
    response.setHeader('api-version', '1.41')
    response.setHeader('content-type', 'application/json')
    response.end(request.url === '/_ping' ? 'OK' : JSON.stringify(version))
  })
  await new Promise<void>(resolve => server.listen(socket, resolve))
  return server
}

function hostsFile(lab: MachineLab, names: readonly string[]): string {
  const hosts = names.map(name => `  ${name}: { host: ${lab.addressOf(name)} }\n`)
  return `defaults: { engine: docker, generic-ssh-key: ${lab.keyPath} }\nhosts:\n${hosts.join('')}`
}

/** A bare `ssh` for each host, so many at once. */
function parallelSsh(
  lab: MachineLab,
  names: readonly string[],
  { command, atOnce }: { readonly command: string; readonly atOnce: number },
): readonly string[] {
  const [first = ''] = names
  const ssh = lab.sshWords(first).slice(0, -1)
  const addresses = names.map(name => lab.addressOf(name)).join('\n')
  const script = 'list=$1; most=$2; shift 2; printf "%s\\n" "$list" | xargs -P "$most" -I{} "$@"'
  return ['sh', '-c', script, 'sh', addresses, String(atOnce), ...ssh, 'root@{}', command]
}
