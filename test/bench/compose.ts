import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadProject, nodeFileReader, outputModel, writeYaml } from '../../src/compose/index.ts'
import { sideBySide } from './compose/side-by-side.ts'
import { type BenchRow, percentile } from './report.ts'

const SERVICES = 200
const OVERRIDES = 3
const LOADS = 15
const COMMANDS = 15

/** What a service of a large project looks like: every kind of attribute that has a short and a long form. */
function service(index: number): string {
  return `  s${index}:
    image: registry.example/team/s${index}:\${TAG:-1.2}
    command: run --name s${index} "with spaces"
    environment: {LOG: info, DATABASE_URL: "postgres://db:5432/s${index}", KEY: "\${KEY:-k}"}
    labels: [tier=backend, "owner=team${index % 7}"]
    ports: ["${10_000 + index}:80", "127.0.0.1:${20_000 + index}:8080/tcp"]
    volumes: ["data${index % 20}:/data", "./conf/s${index}:/etc/app:ro"]
    networks: {back: {aliases: [app${index}]}}
    depends_on: ${index === 0 ? '[]' : `[s${index - 1}]`}
    healthcheck: {test: curl -f localhost, interval: 10s, timeout: 1m30s, retries: 3}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 256m}}}
`
}

function override(index: number, layer: number): string {
  return `  s${index}: {environment: [LAYER${layer}=on], labels: {layer: "${layer}"}, mem_reservation: ${64 * layer}m}\n`
}

function indices(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function writeProject(directory: string): readonly string[] {
  const volumes = indices(20).map(index => `  data${index}: {}\n`)
  const base = `services:\n${indices(SERVICES).map(service).join('')}networks: {back: {}}\nvolumes:\n${volumes.join('')}`
  const layers = indices(OVERRIDES).map(
    layer =>
      `services:\n${indices(SERVICES)
        .map(index => override(index, layer + 1))
        .join('')}`,
  )
  return [base, ...layers].map((text, index) => {
    const file = join(directory, `${index}.yaml`)
    writeFileSync(file, text)
    return file
  })
}

/** How long each of `count` runs takes, in milliseconds. */
function sample(count: number, work: () => void): readonly number[] {
  return indices(count).map(() => {
    const began = performance.now()
    work()
    return performance.now() - began
  })
}

/** Loading a large project in process, the whole command on a small one, and one engine's containers by ours and docker's. */
export async function run(): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-bench-compose-'))
  try {
    const files = writeProject(directory)
    const load = (): unknown => loadProject({ cwd: directory, env: {}, files }, nodeFileReader).model
    const [cold = Number.NaN] = sample(1, load)
    const warm = sample(LOADS, load)
    const { model } = loadProject({ cwd: directory, env: {}, files }, nodeFileReader)
    const print = sample(5, () => void writeYaml(outputModel(model, { escapeDollars: true })))
    writeFileSync(
      join(directory, 'compose.yaml'),
      'services:\n  web: {image: web, ports: ["80:80"], depends_on: [db]}\n  db: {image: db}\n',
    )
    const command = sample(COMMANDS, () => void execFileSync(resolve('bin/compose'), ['config'], { cwd: directory }))
    const name = `compose: load ${SERVICES} services, ${OVERRIDES} overrides`
    return [
      { name: `${name}, the first time`, value: cold, unit: 'ms', budget: '<= 150 ms' },
      { name: `${name}, p50`, value: percentile(warm, 0.5), unit: 'ms', budget: '<= 150 ms' },
      { name: `compose: print the ${SERVICES} services as YAML, p50`, value: percentile(print, 0.5), unit: 'ms' },
      {
        name: 'compose config of two services, as a command, p50',
        value: percentile(command, 0.5),
        unit: 'ms',
        budget: '<= 120 ms',
      },
      ...(await sideBySide()),
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
