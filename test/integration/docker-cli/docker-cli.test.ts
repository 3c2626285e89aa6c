import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type CliOptions, docker, dockerInTerminal } from '../../support/docker-cli.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { Workshop } from '../images/support.ts'

let engine: ShoalEngine
const cli = (argv: readonly string[], options?: CliOptions) => docker(engine.host, argv, options)
const done = (stdout: unknown = expect.anything()) => ({ code: 0, stdout, stderr: '' })

beforeAll(async () => {
  engine = await startShoalEngine()
  const archive = join(engine.directory, 'busybox.tar')
  await writeFile(archive, await busyboxArchive({ files: { 'srv/page': 'a page' } }))
  expect(await cli(['load', '-i', archive])).toEqual(done('Loaded image: busybox:test\n'))
})
afterEach(async () => {
  const { stdout } = await cli(['ps', '-aq'])
  const ids = stdout.split('\n').filter(id => id !== '')
  if (ids.length > 0) await cli(['rm', '-f', '-v', ...ids])
})
afterAll(() => engine?.stop())

describe('docker run', () => {
  it('gives output and exit code, and removes the container', async () => {
    expect(await cli(['run', '--rm', 'busybox:test', 'echo', 'hi'])).toEqual(done('hi\n'))
    const ended = await cli(['run', '--rm', 'busybox:test', 'sh', '-c', 'echo no >&2; exit 7'])
    expect(ended).toEqual({ code: 7, stdout: '', stderr: 'no\n' })
    expect((await cli(['ps', '-aq'])).stdout).toBe('')
  })

  it('passes stdin on', async () => {
    const ran = await cli(['run', '--rm', '-i', 'busybox:test', 'cat'], { input: 'through and through' })
    expect(ran).toEqual(done('through and through'))
  })

  it('has a terminal of the right size', async () => {
    const { code, stdout } = await dockerInTerminal(
      engine.host,
      'run -it --rm busybox:test sh -c "sleep 0.3; stty size; tty"',
    )
    // script(1) types the end of its own input, which the terminal echoes in front.
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/30 100\r\n\/dev\/pts\/0\r\n$/) })
  })

  it.each([
    [['nosuchcommand'], 127, /executable file not found/],
    [['/etc/passwd'], 126, /permission denied/],
  ])('says why %j cannot start, and leaves nothing', async (command, code, message) => {
    const ran = await cli(['run', '--rm', 'busybox:test', ...command])
    expect(ran).toMatchObject({ code, stderr: expect.stringMatching(message) })
    expect(ran.stderr).not.toContain('{"message"')
    expect((await cli(['ps', '-aq'])).stdout).toBe('')
  })

  it('forwards a signal of its terminal', async () => {
    const script = 'trap "echo got it; exit 9" INT; echo ready; while :; do sleep 0.05; done'
    const ran = await cli(['run', '--rm', 'busybox:test', 'sh', '-c', script], { until: 'ready' })
    expect(ran).toMatchObject({ code: 9, stdout: 'ready\ngot it\n' })
  })
})

describe('a container in the background', () => {
  it('is listed, followed, entered, inspected, stopped and removed', async () => {
    const script = 'trap "exit 0" TERM; for i in 1 2 3; do echo line $i; done; while :; do sleep 0.05; done'
    const started = await cli(['run', '-d', '--name', 'web', '-p', '127.0.0.1::80', 'busybox:test', 'sh', '-c', script])
    expect(started.stdout).toMatch(/^[0-9a-f]{64}\n$/)
    const format = '{{.Names}} {{.Image}} {{.Status}} {{.Ports}}'
    expect((await cli(['ps', '--format', format])).stdout).toMatch(
      /^web busybox:test Up .* 127\.0\.0\.1:\d+->80\/tcp\n$/,
    )
    expect((await cli(['logs', '-f', 'web'], { until: 'line 3' })).stdout).toBe('line 1\nline 2\nline 3\n')
    expect((await cli(['logs', '--tail', '1', 'web'])).stdout).toBe('line 3\n')
    expect((await cli(['logs', '-t', '--tail', '1', 'web'])).stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]{18}Z line 3\n$/)
    expect(await cli(['exec', 'web', 'sh', '-c', 'exit 4'])).toMatchObject({ code: 4 })
    expect(await cli(['exec', '-i', 'web', 'cat'], { input: 'piped' })).toEqual(done('piped'))
    expect((await cli(['top', 'web'])).stdout).toContain('sh -c trap')
    expect((await cli(['inspect', '-f', '{{.State.Status}} {{.Config.Image}}', 'web'])).stdout).toBe(
      'running busybox:test\n',
    )
    expect(await cli(['rm', 'web'])).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot remove') })
    expect(await cli(['stop', '-t', '5', 'web'])).toEqual(done('web\n'))
    expect((await cli(['inspect', '-f', '{{.State.ExitCode}}', 'web'])).stdout).toBe('0\n')
    expect(await cli(['rm', 'web'])).toEqual(done('web\n'))
    expect(await cli(['inspect', 'web'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such object: web'),
    })
  })

  it('is paused, renamed, restarted, killed and waited for', async () => {
    await cli(['run', '-d', '--name', 'one', 'busybox:test', 'sleep', '1000'])
    for (const argv of [
      ['pause', 'one'],
      ['unpause', 'one'],
      ['restart', '-t', '0', 'one'],
      ['rename', 'one', 'two'],
    ]) {
      expect(await cli(argv)).toMatchObject({ code: 0 })
    }
    const waiting = cli(['wait', 'two'])
    expect(await cli(['kill', 'two'])).toEqual(done('two\n'))
    expect(await waiting).toEqual(done('137\n'))
  })

  it('is attached to', async () => {
    await cli(['run', '-d', '-i', '--name', 'cat', 'busybox:test', 'cat'])
    const attached = cli(['attach', 'cat'], { input: 'heard\n' })
    await cli(['logs', '-f', 'cat'], { until: 'heard' })
    await cli(['kill', 'cat'])
    // The end of what it is told ends the conversation, so the echo may come too late for it; the exit code does not.
    expect((await attached).code).toBe(137)
  })

  it('shows its health', async () => {
    await cli([
      'run',
      '-d',
      '--name',
      'ill',
      '--health-cmd',
      'false',
      '--health-interval',
      '200ms',
      '--health-retries',
      '1',
      'busybox:test',
      'sleep',
      '100',
    ])
    const { stdout } = await cli(['events', '--filter', 'event=health_status', '--since', '1m'], { until: 'unhealthy' })
    expect(stdout).toContain('health_status: unhealthy')
    expect((await cli(['ps', '--format', '{{.Status}}'])).stdout).toContain('(unhealthy)')
  })
})

describe('networks and volumes', () => {
  it('connect containers by name', async () => {
    expect(await cli(['network', 'create', 'inner'])).toMatchObject({ code: 0 })
    await cli(['run', '-d', '--name', 'server', '--network', 'inner', 'busybox:test', 'httpd', '-f', '-h', '/srv'])
    const fetched = await cli([
      'run',
      '--rm',
      '--network',
      'inner',
      'busybox:test',
      'sh',
      '-c',
      'until wget -qO- http://server/page; do sleep 0.1; done',
    ])
    expect(fetched.stdout).toBe('a page')
    expect((await cli(['network', 'ls', '--format', '{{.Name}}'])).stdout.split('\n')).toContain('inner')
    expect(await cli(['network', 'rm', 'inner'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('active endpoints'),
    })
    await cli(['rm', '-f', 'server'])
    expect(await cli(['network', 'rm', 'inner'])).toEqual(done('inner\n'))
  })

  it('keep data', async () => {
    expect(await cli(['volume', 'create', '--label', 'a=b', 'data'])).toEqual(done('data\n'))
    await cli(['run', '--rm', '-v', 'data:/data', 'busybox:test', 'sh', '-c', 'echo kept > /data/file'])
    expect((await cli(['run', '--rm', '-v', 'data:/data:ro', 'busybox:test', 'cat', '/data/file'])).stdout).toBe(
      'kept\n',
    )
    expect((await cli(['volume', 'ls', '-q', '--filter', 'label=a=b'])).stdout).toBe('data\n')
    expect(await cli(['volume', 'prune', '-f'])).toMatchObject({ code: 0 })
    expect(await cli(['volume', 'rm', 'data'])).toEqual(done('data\n'))
    expect(await cli(['volume', 'rm', 'data'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no such volume/i),
    })
  })
})

describe('images', () => {
  it('are built, tagged, saved, loaded and removed', async () => {
    const context = join(engine.directory, 'context')
    await mkdir(context, { recursive: true })
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM busybox:test\nARG WHO=nobody\nRUN echo "hello $WHO" > /greeting\nCMD ["cat", "/greeting"]\n',
    )
    const built = await cli(['build', '-t', 'greeter:1', '--build-arg', 'WHO=world', context])
    expect(built).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Successfully built [0-9a-f]{12}\nSuccessfully tagged greeter:1\n$/),
    })
    expect((await cli(['run', '--rm', 'greeter:1'])).stdout).toBe('hello world\n')
    const archive = join(engine.directory, 'saved.tar')
    expect(await cli(['tag', 'greeter:1', 'team/greeter:2'])).toMatchObject({ code: 0 })
    expect(await cli(['save', '-o', archive, 'team/greeter:2'])).toMatchObject({ code: 0 })
    expect(await cli(['rmi', 'greeter:1', 'team/greeter:2'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Deleted: sha256:'),
    })
    expect(await cli(['load', '-i', archive])).toEqual(done('Loaded image: team/greeter:2\n'))
    expect((await cli(['images', '--format', '{{.Repository}}:{{.Tag}}'])).stdout).toContain('team/greeter:2')
    expect(await cli(['rmi', 'no/such:1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such image: no/such:1'),
    })
  })
})

describe('a registry', () => {
  it('takes and gives images', async () => {
    await using workshop = new Workshop()
    const registry = await workshop.registry()
    const name = `${registry}/team/app:1`
    await cli(['tag', 'busybox:test', name])
    expect(await cli(['push', name])).toMatchObject({ code: 0, stdout: expect.stringContaining('digest: sha256:') })
    await cli(['rmi', name])
    expect((await cli(['images', '-q', name])).stdout).toBe('')
    expect(await cli(['pull', name])).toMatchObject({ code: 0, stdout: expect.stringContaining('Digest: sha256:') })
    expect((await cli(['run', '--rm', name, 'echo', 'pulled'])).stdout).toBe('pulled\n')
    expect(await cli(['pull', `${registry}/team/none:1`])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\S/),
    })
    await cli(['rmi', name])
  })
})

describe('the engine', () => {
  it('describes itself', async () => {
    expect((await cli(['version', '-f', '{{.Server.APIVersion}} {{.Server.Os}}'])).stdout).toBe('1.47 linux\n')
    expect((await cli(['info', '-f', '{{.Name}} {{.OSType}}'])).stdout).toBe('solo linux\n')
    expect(await cli(['system', 'df'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Local Volumes') })
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves containers running when it ends by %s, and finds them again',
    async signal => {
      await cli(['run', '-d', '--name', 'steady', 'busybox:test', 'sh', '-c', 'echo one; sleep 1000'])
      const pid = await cli(['inspect', '-f', '{{.State.Pid}}', 'steady'])
      await engine.restart(signal)
      expect(await cli(['inspect', '-f', '{{.State.Pid}}', 'steady'])).toEqual(pid)
      expect((await cli(['logs', 'steady'])).stdout).toBe('one\n')
      expect((await cli(['exec', 'steady', 'echo', 'in'])).stdout).toBe('in\n')
    },
  )
})
