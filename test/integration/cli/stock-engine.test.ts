import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { docker } from '../../support/docker-cli.ts'
import { type Daemon, startDockerd } from '../../support/dockerd.ts'
import { timeless } from './timeless.ts'

let folder: string
let engine: Daemon
const ours = (argv: readonly string[], options: { readonly input?: string } = {}) =>
  runCommand(['-H', engine.host, ...argv], {
    root: umbrella,
    clock: systemClock,
    env: { HOME: '/nonexistent' },
    ...options,
  })
const NONE = ['--network', 'none']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-cli-stock-'))
  engine = await startDockerd()
  await writeFile(join(folder, 'busybox.tar'), await busyboxArchive({ files: { 'srv/page': 'a page' } }))
  expect(await ours(['load', '-i', join(folder, 'busybox.tar')])).toMatchObject({ code: 0 })
  await ours(['run', '-d', '--name', 'up', ...NONE, '-v', 'data:/data', '-l', 'a=b', 'busybox:test', 'sleep', '1000'])
  await ours(['run', '--name', 'ended', ...NONE, 'busybox:test', 'sh', '-c', 'echo out; echo err >&2; exit 3'])
})
afterAll(async () => {
  await ours(['rm', '-f', 'up', 'ended'])
  await engine?.stop()
  await rm(folder, { recursive: true, force: true })
})

it.each(
  [
    'ps -a --no-trunc',
    'ps -as',
    'images --digests',
    'history busybox:test',
    'volume ls',
    'network ls',
    'inspect up data none',
    'logs -t ended',
    'top up',
    'diff ended',
    'wait ended',
    'exec up sh -c exit\u00a05',
    'exec up nosuchcommand',
    'run --rm --network none busybox:test nosuchcommand',
    'stop nope',
    'system df',
    'stats --no-stream --format {{.Name}}|{{.PIDs}} up',
    'events --since 1h --until 0s --filter container=ended',
    'cp up:/srv/page -',
  ].map(line => [line] as const),
)('%s, against the stock engine', async line => {
  const argv = line.split(' ').map(word => word.replaceAll('\u00a0', ' '))
  // One after the other: that engine refuses to measure its disk for two at a time.
  const expected = await docker(engine.host, argv)
  expect(timeless(await ours(argv))).toEqual(timeless(expected))
})

it('talks to, copies from and builds on the stock engine', async () => {
  const cat = await ours(['run', '--rm', '-i', ...NONE, 'busybox:test', 'cat'], { input: 'through' })
  expect(cat).toEqual({ code: 0, stdout: 'through', stderr: '' })
  expect(await ours(['cp', 'up:/srv', join(folder, 'out')])).toMatchObject({ code: 0 })
  expect(await readFile(join(folder, 'out/page'), 'utf8')).toBe('a page')
  const built = await ours(['build', '-q', '-'], { input: 'FROM busybox:test\nLABEL made=here\n' })
  expect(built.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/)
  const label = await ours(['inspect', '-f', '{{.Config.Labels.made}}', built.stdout.trim()])
  expect(label.stdout).toBe('here\n')
})
