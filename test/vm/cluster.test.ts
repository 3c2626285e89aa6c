import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { IMAGE_CACHE } from './support.ts'

/** A manager and two agents in virtual machines, made, joined and used by nothing but the command line. */

const BRIDGE = 'sh-vm'
const SUBNET = '10.231.21'
const ADDRESSES: Readonly<Record<string, string>> = { m1: `${SUBNET}.11`, a1: `${SUBNET}.12`, a2: `${SUBNET}.13` }
/** Everything is emulated, on a machine that may have much else to do. */
const STEP_MS_MAX = 600_000
const COMPOSE = `
name: shop
services:
  web: &service
    image: busybox:test
    command: sleep infinity
    restart: always
    stop_grace_period: 1s
  api: *service
  worker: *service
`

let folder: string

type Variables = Readonly<Record<string, string>>

/** What one of the real programs prints; rejects with its last words if it fails. */
function run(name: string, argv: readonly string[], variables: Variables = {}): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: folder, ...variables }
  return command([process.execPath, 'src/main/cli.ts', name, ...argv], { timeoutMs: STEP_MS_MAX, env })
}

const machine = (...argv: readonly string[]): Promise<string> =>
  run('machine', ['--storage-path', join(folder, 'store'), ...argv])

/** Makes a machine, which gets certificates and joins. */
function create(name: string, role: '--swarm' | '--swarm-master'): Promise<string> {
  const network = ['--qemu-network', 'bridge', '--qemu-bridge', BRIDGE, '--qemu-address', `${ADDRESSES[name]}/24`]
  const hardware = ['--qemu-accel', 'tcg', '--qemu-memory', '768', '--qemu-disk', '8000']
  return machine('create', '-d', 'qemu', ...hardware, ...network, '--offline', '--yes', role, name)
}

/** What a shell gets from `machine env --swarm m1`. */
async function managerEnv(): Promise<Variables> {
  const text = await machine('env', '--shell', 'bash', '--swarm', 'm1')
  const lines = [...text.matchAll(/^export (\w+)="(.*)";$/gm)]
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]))
}

const compose = async (...argv: readonly string[]): Promise<string> =>
  run('compose', ['-f', join(folder, 'compose.yaml'), ...argv], await managerEnv())

const load = async (): Promise<string> => run('shoal', ['load', '-i', join(folder, 'image.tar')], await managerEnv())

/** Waits until each service runs, on these nodes only. */
async function runsOn(nodes: readonly string[]): Promise<void> {
  await until(
    `the project to run on ${nodes.join(' and ')}`,
    async () => {
      const rows = (await compose('ps', '--format', '{{.Service}} {{.State}} {{.Node}}')).trim().split('\n')
      const running = rows.map(row => row.split(' ')).filter(([, state]) => state === 'running')
      const services = new Set(running.map(([service]) => service))
      return services.size === 3 && running.every(([, , node]) => nodes.includes(node ?? '')) ? true : undefined
    },
    { timeoutMs: STEP_MS_MAX, everyMs: 2_000 },
  )
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-vm-cluster-'))
  mkdirSync(join(folder, 'store'))
  mkdirSync(IMAGE_CACHE, { recursive: true })
  symlinkSync(IMAGE_CACHE, join(folder, 'store/cache'))
  writeFileSync(join(folder, 'compose.yaml'), COMPOSE)
  writeFileSync(join(folder, 'image.tar'), await busyboxArchive())
  await command(['ip', 'link', 'add', BRIDGE, 'type', 'bridge'])
  await command(['ip', 'address', 'add', `${SUBNET}.1/24`, 'dev', BRIDGE])
  await command(['ip', 'link', 'set', BRIDGE, 'up'])
})

afterAll(async () => {
  for (const name of (await machine('ls', '-q')).split('\n').filter(line => line !== '')) {
    // Nobody is to clean the inside of a machine that goes as a whole.
    await machine('kill', name).catch(() => {})
    await machine('rm', '--force', name)
  }
  await command(['ip', 'link', 'delete', BRIDGE])
  await rm(folder, { recursive: true })
})

describe('a cluster of virtual machines', () => {
  it('is made by creating machines', async () => {
    await create('m1', '--swarm-master')
    await Promise.all([create('a1', '--swarm'), create('a2', '--swarm')])
    expect(await machine('status', 'm1', 'a1', 'a2')).toBe('Running\nRunning\nRunning\n')
    const certificates = await machine('certs', 'ls', '--format', '{{.Name}} {{.Role}} {{.Issuer}}{{.Error}}')
    const rows = certificates.trim().split('\n')
    expect(rows.map(row => row.trim()).toSorted()).toEqual([
      'a1 engine Shoal cluster',
      'a2 engine Shoal cluster',
      'm1 client',
      'm1 manager Shoal cluster',
    ])
    expect(await machine('ssh', 'a1', 'hostname')).toBe('a1\n')
  })

  it('runs a project over its agents', async () => {
    await load()
    await compose('up', '-d')
    await runsOn(['a1', 'a2'])
  })

  it('moves what ran on a machine whose QEMU was killed', async () => {
    process.kill(Number(readFileSync(join(folder, 'store/machines/a1/qemu.pid'), 'utf8')), 'SIGKILL')
    await runsOn(['a2'])
    expect(await machine('status', 'a1')).toBe('Stopped\n')
  })

  it('takes the machine back when it is made anew, drains another and lets it go', async () => {
    await machine('rm', '--force', 'a1')
    await create('a1', '--swarm')
    await load()
    await machine('drain', 'a2')
    await runsOn(['a1'])
    await machine('rm', '-y', 'a2')
    expect(await machine('ls', '-q')).toBe('a1\nm1\n')
    await runsOn(['a1'])
  })
})
