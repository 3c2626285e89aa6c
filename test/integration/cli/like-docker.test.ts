import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type CliOptions, docker, shoal, shoalInTerminal } from '../../support/docker-cli.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { timeless } from './timeless.ts'

let engine: ShoalEngine
/** In this process, which saves the time of starting one. */
const ours = (argv: readonly string[], options: { readonly input?: string; readonly cwd?: string } = {}) =>
  runCommand(['-H', engine.host, ...argv], {
    root: umbrella,
    clock: systemClock,
    env: { HOME: '/nonexistent' },
    ...options,
  })
const theirs = (argv: readonly string[], options?: CliOptions) => docker(engine.host, argv, options)

beforeAll(async () => {
  engine = await startShoalEngine()
  const archive = join(engine.directory, 'busybox.tar')
  await writeFile(archive, await busyboxArchive({ files: { 'srv/page': 'a page' } }))
  expect(await ours(['load', '-i', archive])).toMatchObject({ code: 0, stdout: 'Loaded image: busybox:test\n' })
  const labels = ['--label', 'tier=web', '--label', 'com.example.team=core']
  const mounts = ['-v', 'data:/data', '--tmpfs', '/t', '-v', '/anonymous']
  await ours([
    'run',
    '-d',
    '--name',
    'up',
    ...labels,
    ...mounts,
    '-p',
    '127.0.0.1::80',
    'busybox:test',
    'sleep',
    '1000',
  ])
  await ours(['run', '--name', 'ended', 'busybox:test', 'sh', '-c', 'echo out; echo err >&2; touch /new; exit 3'])
  await ours(['create', '--name', 'fresh', '--expose', '90-92', 'busybox:test', 'sh'])
  await ours(['volume', 'create', '--label', 'x=y', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'fast'])
  await ours(['network', 'create', '--label', 'x=y', 'front'])
  await ours(['network', 'create', '--config-only', '--subnet', '10.203.0.0/24', 'options'])
})
afterAll(() => engine?.stop())

it.each(
  [
    'ps',
    'ps -a',
    'ps -aq',
    'ps -a --no-trunc',
    'ps -as --filter name=ended',
    'ps -a --filter status=exited --filter label=nope',
    'ps -n 1',
    'ps -a --format json --filter name=ended',
    'ps -a --format {{.Names}}|{{.Ports}}|{{.Labels}}|{{.Mounts}}|{{.Networks}}|{{.LocalVolumes}}|{{.State}}',
    'ps --format table\u00a0{{.ID}}\\t{{.Label\u00a0"com.example.team"}}\\t{{.Image}}',
    'images',
    'images -q --no-trunc',
    'images --digests busybox',
    'images --format json',
    'history busybox:test',
    'history --no-trunc --format {{.CreatedBy}}\\t{{.Size}} busybox:test',
    'volume ls',
    'volume ls -q --filter name=fast',
    'volume ls --format json --filter label=x=y',
    'network ls',
    'network ls --no-trunc --format json',
    'inspect up',
    'inspect nope ended',
    'inspect --type volume up',
    'inspect --format {{.State.Status}}\u00a0{{json\u00a0.Config.Cmd}}\u00a0{{range\u00a0.Mounts}}{{.Destination}};{{end}} up ended',
    'inspect --format {{range\u00a0$k,$v:=.Config.Labels}}{{$k}}={{$v}}\u00a0{{end}} up',
    'volume inspect fast',
    'network inspect front',
    'network inspect options',
    'image inspect busybox:test',
    'logs ended',
    'logs -t --tail 1 ended',
    'logs nope',
    'top up',
    'top up -o pid,args',
    'port up',
    'port up 80',
    'port up 81',
    'diff ended',
    'wait ended nope',
    'system df',
    'info --format {{.Name}}',
    'version --format {{.Server.Version}}',
    'rename nope other',
    'rm nope up',
    'start nope',
    'stop nope',
    'kill --signal NOPE up',
    'pause ended',
    'attach ended',
    'volume rm data',
    'exec up sh -c echo\u00a0out;echo\u00a0err>&2;exit\u00a05',
    'exec up nosuchcommand',
    'exec ended true',
    'exec -w /srv -e A=1 -u 5 up sh -c id\u00a0-u;pwd;echo\u00a0$A',
    'run --rm busybox:test nosuchcommand',
    'run --rm busybox:test /etc',
    'run --rm --network nope busybox:test true',
    'run --rm --pull never nosuch:image true',
    'run --rm -m 1k busybox:test true',
    'cp up:/srv/page -',
    'cp up:/nope /tmp/nope',
    'stats --no-stream --format {{.Name}}|{{.PIDs}} up',
    'events --since 1h --until 0s --filter container=ended',
    'events --since 1h --until 0s --filter type=volume --format {{.Action}}\u00a0{{.Actor.ID}}',
    'network prune -f --filter label=nope',
    'volume prune -f',
    'rm -f nope',
    'rmi -f nope',
    'network rm -f nope',
    'network create --config-only --internal y',
    'network create --config-from nope y',
    'volume rm -f nope',
    'run -l  busybox:test true',
    'run --rm -e =a busybox:test true',
    'run --rm -p 1.2.3:80:80 nosuch:image true',
    'run --rm -p abc nosuch:image true',
    'run --rm -v :/b nosuch:image true',
    'run --rm --memory lots nosuch:image true',
    'run --rm --ulimit nofile=5:4 nosuch:image true',
    'run --restart on-failure:x nosuch:image true',
    'run --rm --restart always nosuch:image true',
    'run --rm --mount type=bind,src=/a,dst=/b,volume-nocopy nosuch:image true',
    'run --rm --device nope nosuch:image true',
    'run --rm --add-host a:b nosuch:image true',
    'run --rm --security-opt seccomp=/no/such nosuch:image true',
    'run --rm --health-interval 5 nosuch:image true',
    'run --rm --network none --network-alias x busybox:test true',
    'run --rm --network front --network front busybox:test true',
    'run --rm --init=maybe busybox:test true',
    'run --nope busybox:test true',
    'create --nope',
    'inspect --format {{.Nope}} up',
    'inspect --format {{.Config.Labels.nope}} {{.Config.Healthcheck}} {{.HostConfig.Init}} up',
    'inspect --format {{.HostConfig.PortBindings}} {{.Mounts}} up',
    'inspect --format json up ended',
    'ps -aq --format {{.Names}}',
    'ps -a --format table {{upper .Names}}\\t{{truncate .Image 3}}',
    'ps -a --format {{if eq .State "running"}}{{.Names}}{{else}}-{{end}}',
    'ps -a --format {{printf "%-8s|" .Names}}{{len .Names}}{{split .Names "e"}}{{pad .ID 1 1}}|{{title .Names}}',
    'ps --filter nope=x',
    'images --filter nope=x',
    'stats --no-stream ended',
    'info --format {{json .Plugins}}',
    'events --since 1h --until 0s --filter container=ended --format {{.Status}} {{.From}} {{.Scope}}',
    'system df -v --format {{range .Volumes}}{{.Name}}={{.Links}} {{end}}',
    'network create front',
    'cp - up:/srv/page',
    'container prune -f --filter label=nope',
  ].map(line => [line] as const),
)('%s', async line => {
  const argv = line.split(' ').map(word => word.replaceAll('\u00a0', ' '))
  const [expected, got] = await Promise.all([theirs(argv), ours(argv)])
  expect(timeless(got)).toEqual(timeless(expected))
})

// Whoever used a command wrongly is told so with 2, where docker says 1 or 125.
it.each(
  [
    'ps --nope',
    'ps -Z',
    'ps --last',
    'ps -n many',
    'ps --all=maybe',
    'ps x',
    'ps -f x',
    'rm',
    'tag a',
    'logs up ended',
    'commit a b c',
    'volume create a b',
    'volume create --label =x y',
    'network create --label  y',
    'network create --gateway 10.0.0.1 y',
    'container prune -f --filter x',
    'stop -t soon up',
    'logs --since soon up',
    'events --until soon',
    'rename up ',
    'cp up:/a ended:/b',
  ].map(line => [line] as const),
)('%s is refused', async line => {
  const argv = line.split(' ')
  const [expected, got] = await Promise.all([theirs(argv), ours(argv)])
  expect([1, 125]).toContain(expected.code)
  expect(timeless(got)).toEqual({ ...timeless(expected), code: 2 })
})

it('runs a shell in a terminal of our size, whose exit code is ours', async () => {
  const { code, stdout } = await shoalInTerminal(
    engine.host,
    'run -it --rm busybox:test sh -c "sleep 0.5; stty size; tty; exit 7"',
  )
  expect({ code, stdout }).toEqual({ code: 7, stdout: expect.stringMatching(/30 100\r\n\/dev\/pts\/0\r\n$/) })
  const inside = await shoalInTerminal(engine.host, 'exec -it up sh -c "sleep 0.5; stty size; exit 4"')
  expect(inside).toMatchObject({ code: 4, stdout: expect.stringContaining('30 100\r\n') })
})

it('passes input on, and a signal of its terminal', async () => {
  expect(await ours(['run', '--rm', '-i', 'busybox:test', 'cat'], { input: 'through' })).toMatchObject({
    code: 0,
    stdout: 'through',
  })
  const script = 'trap "echo got it; exit 9" INT; echo ready; while :; do sleep 0.05; done'
  const ran = await shoal(engine.host, ['run', '--rm', 'busybox:test', 'sh', '-c', script], { until: 'ready' })
  expect(ran).toMatchObject({ code: 9, stdout: 'ready\ngot it\n' })
})

it('starts and attaches to a container, and follows its log', async () => {
  await ours(['create', '--name', 'again', 'busybox:test', 'sh', '-c', 'echo run; exit 5'])
  expect(await ours(['start', '-a', 'again'])).toEqual({ code: 5, stdout: 'run\n', stderr: '' })
  expect(await ours(['logs', '-f', 'again'])).toEqual({ code: 0, stdout: 'run\n', stderr: '' })
  expect(await ours(['rm', 'again'])).toMatchObject({ code: 0, stdout: 'again\n' })
})

it('copies files and trees in and out as cp does', async () => {
  const at = (path: string): string => join(engine.directory, path)
  await mkdir(at('tree/sub'), { recursive: true })
  await writeFile(at('tree/sub/file'), 'deep')
  for (const [from, to] of [
    ['tree', 'up:/tmp'],
    ['tree/.', 'up:/srv'],
    ['tree/sub/file', 'up:/srv/renamed'],
  ] as const) {
    expect(await ours(['cp', from, to], { cwd: engine.directory })).toMatchObject({ code: 0, stderr: '' })
  }
  const listed = await ours(['exec', 'up', 'sh', '-c', 'cat /tmp/tree/sub/file /srv/sub/file /srv/renamed'])
  expect(listed.stdout).toBe('deepdeepdeep')
  for (const from of ['up:/srv', 'up:/srv/.', 'up:/srv']) {
    expect(await ours(['cp', from, at('out')])).toEqual({ code: 0, stdout: '', stderr: '' })
  }
  const paths = ['out/page', 'out/sub/file', 'out/srv/sub/file']
  expect(await Promise.all(paths.map(path => readFile(at(path), 'utf8')))).toEqual(['a page', 'deep', 'deep'])
})

it('builds an image, saves it, and loads it again', async () => {
  const folder = join(engine.directory, 'build')
  await mkdir(folder)
  await writeFile(
    join(folder, 'Dockerfile'),
    'FROM busybox:test\nARG WHO\nRUN echo hello $WHO > /greeting\nCMD ["cat", "/greeting"]\n',
  )
  const built = await ours(['build', '-t', 'greeting:1', '--build-arg', 'WHO=you', folder])
  expect(built).toMatchObject({ code: 0, stdout: expect.stringContaining('Successfully tagged greeting:1\n') })
  expect((await ours(['build', '-q', '--build-arg', 'WHO=you', folder])).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/)
  const archive = join(engine.directory, 'greeting.tar')
  expect((await ours(['save', '-o', archive, 'greeting:1'])).code).toBe(0)
  expect((await ours(['rmi', 'greeting:1'])).stdout).toContain('Untagged: greeting:1\n')
  expect((await ours(['load', '-i', archive])).stdout).toBe('Loaded image: greeting:1\n')
  expect((await ours(['run', '--rm', 'greeting:1'])).stdout).toBe('hello you\n')
})

it('connects containers to networks and takes them off again', async () => {
  expect(await ours(['network', 'connect', '--alias', 'web', 'front', 'up'])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  const { stdout } = await ours(['inspect', '-f', '{{(index .NetworkSettings.Networks "front").Aliases}}', 'up'])
  expect(stdout).toContain('web')
  expect((await ours(['network', 'disconnect', 'front', 'up'])).code).toBe(0)
  expect(await ours(['network', 'rm', 'front'])).toMatchObject({ code: 0, stdout: 'front\n' })
})

it('asks before it deletes', async () => {
  const kept = await ours(['volume', 'prune', '-a'], { input: 'n\n' })
  expect(kept).toMatchObject({ code: 0, stdout: expect.stringContaining('Are you sure you want to continue? [y/N]') })
  expect((await ours(['volume', 'ls', '-q'])).stdout).toContain('fast\n')
  const gone = await ours(['volume', 'prune', '-a'], { input: 'y\n' })
  expect(gone.stdout).toContain('Deleted Volumes:\nfast\n\nTotal reclaimed space: 0B\n')
})

it('says what to do when no engine answers, and when a command cannot be read', async () => {
  const away = await runCommand(['-H', 'unix:///nonexistent/engine.sock', 'ps'], { root: umbrella })
  expect(away).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Cannot connect to unix:\/\/\/nonexistent.*shoal engine/),
  })
  expect(await ours(['ps', '--nope'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown flag: --nope\n\nUsage:  shoal ps [OPTIONS]\n\nRun 'shoal ps --help'"),
  })
  expect(await ours(['run', '--nope', 'x'])).toMatchObject({ code: 125 })
  expect(await ours(['ps', '--format', '{{.Nope}}'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Nope'),
  })
})
