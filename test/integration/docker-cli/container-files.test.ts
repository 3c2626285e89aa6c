import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type CliOptions, docker } from '../../support/docker-cli.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'

let engine: ShoalEngine
const cli = (argv: readonly string[], options?: CliOptions) => docker(engine.host, argv, options)
const done = (stdout: unknown = expect.anything()) => ({ code: 0, stdout, stderr: '' })
const at = (path: string): string => join(engine.directory, path)

beforeAll(async () => {
  engine = await startShoalEngine()
  await writeFile(at('busybox.tar'), await busyboxArchive({ files: { 'srv/page': 'a page\n' } }))
  expect(await cli(['load', '-i', at('busybox.tar')])).toMatchObject({ code: 0 })
})
afterEach(async () => {
  const ids = (await cli(['ps', '-aq'])).stdout.split('\n').filter(id => id !== '')
  if (ids.length > 0) await cli(['rm', '-f', '-v', ...ids])
})
afterAll(() => engine?.stop())

/** Starts a container that runs a script, says that it is ready, and stays. */
async function box(name: string, script = 'true', flags: readonly string[] = []): Promise<void> {
  const whole = `${script}\necho ready; exec sleep 1000`
  const started = await cli([
    'run',
    '-d',
    '--name',
    name,
    '--network',
    'none',
    ...flags,
    'busybox:test',
    'sh',
    '-c',
    whole,
  ])
  expect(started).toMatchObject({ code: 0 })
  await cli(['logs', '-f', name], { until: 'ready' })
}

describe('docker cp', () => {
  it('copies files and directories out, links as links or followed', async () => {
    await box('box', 'cd /srv; mkdir d; echo x > d/x; ln -s page link')
    expect(await cli(['cp', '-q', 'box:/srv/page', at('page')])).toEqual(done(''))
    expect(await readFile(at('page'), 'utf8')).toBe('a page\n')
    await cli(['cp', 'box:/srv', at('new')])
    expect((await readdir(at('new'))).sort()).toEqual(['d', 'link', 'page'])
    await mkdir(at('there'))
    await cli(['cp', 'box:/srv/d', at('there')])
    await cli(['cp', 'box:/srv/link', at('there')])
    expect(await readlink(at('there/link'))).toBe('page')
    await cli(['cp', '-L', 'box:/srv/link', at('there/followed')])
    expect(await readFile(at('there/followed'), 'utf8')).toBe('a page\n')
    await cli(['cp', 'box:/srv/.', at('there')])
    expect((await readdir(at('there'))).sort()).toEqual(['d', 'followed', 'link', 'page'])
    await cli(['stop', '-t', '0', 'box'])
    expect(await cli(['cp', 'box:/srv/d/x', '-'])).toMatchObject({ code: 0, stdout: expect.stringContaining('x\n') })
  })

  it('copies files, directories and archives in', async () => {
    await box('box', 'mkdir -p /tmp/srv/there; ln -s there /tmp/srv/link', ['-u', 'web'])
    await mkdir(at('in/d'), { recursive: true })
    await writeFile(at('in/d/x'), 'x\n')
    await writeFile(at('in/file'), 'one\n', { mode: 0o640 })
    await symlink('file', at('in/link'))
    expect(await cli(['cp', '-q', at('in/file'), 'box:/tmp/renamed'])).toEqual(done(''))
    await cli(['cp', at('in'), 'box:/tmp/srv/there'])
    await cli(['cp', `${at('in')}/.`, 'box:/tmp/srv/link'])
    await cli(['cp', '-a', at('in/file'), 'box:/tmp/mine'])
    const { stdout } = await cli([
      'exec',
      '-u',
      '0',
      'box',
      'sh',
      '-c',
      'cd /tmp/srv/there; ls . in; cat in/d/x /tmp/renamed; ls -ln /tmp',
    ])
    expect(stdout).toContain('.:\nd\nfile\nin\nlink\n\nin:\nd\nfile\nlink\nx\none\n')
    expect(stdout).toMatch(/-rw-r----- +1 33 +33 .* mine\n-rw-r----- +1 0 +0 .* renamed\n/)
    expect(await cli(['cp', at('in/file'), 'box:/tmp/srv/there/d'])).toMatchObject({ code: 0 })
    expect((await cli(['exec', 'box', 'ls', '/tmp/srv/there/d'])).stdout).toBe('file\nx\n')
  })

  it('passes on why it cannot', async () => {
    await box('box', 'true', ['--read-only'])
    await writeFile(at('file'), 'x')
    const says = async (argv: readonly string[], message: string): Promise<void> =>
      expect(await cli(['cp', ...argv])).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
    await says(['box:/nope', at('x')], 'Could not find the file /nope in container box')
    await says([at('file'), 'box:/tmp/'], 'container rootfs is marked read-only')
    await says([at('file'), 'box:/nope/deeper/'], 'no such directory')
    await says([at('file'), 'none:/tmp'], 'No such container: none')
    await says([engine.directory, 'box:/srv/page'], 'cannot copy directory')
  })
})

it('docker diff, export and commit show and keep what a container changed', async () => {
  await box('box', 'echo more >> /srv/page; mkdir /new; rm /bin/true')
  const { stdout } = await cli(['diff', 'box'])
  expect(stdout.trim().split('\n').sort()).toEqual(['A /new', 'C /bin', 'C /srv', 'C /srv/page', 'D /bin/true'])
  await cli(['export', '-o', at('all.tar'), 'box'])
  expect((await stat(at('all.tar'))).size).toBeGreaterThan(1_000_000)
  const commit = ['commit', '-a', 'me', '-m', 'why', '-c', 'CMD ["cat","/srv/page"]', '-c', 'ENV A=b', 'box', 'kept:1']
  expect(await cli(commit)).toEqual(done(expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/)))
  expect(await cli(['run', '--rm', '--network', 'none', 'kept:1'])).toEqual(done('a page\nmore\n'))
  expect((await cli(['history', '--format', '{{.Comment}}', 'kept:1'])).stdout).toContain('why')
  expect(await cli(['commit', '-c', 'RUN true', 'box'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('run is not a valid change command'),
  })
  await cli(['rmi', 'kept:1'])
})

it('docker stats and top show what runs', async () => {
  await box('one', 'true', ['-m', '64m', '--pids-limit', '9'])
  await cli(['create', '--name', 'idle', 'busybox:test'])
  const format = '{{.Name}} {{.PIDs}} {{.MemUsage}}'
  expect((await cli(['stats', '--no-stream', '--format', format])).stdout).toMatch(/^one 1 [\d.]+[KM]iB \/ 64MiB\n$/)
  expect((await cli(['stats', '--no-stream', '-a', '--format', '{{.Name}}'])).stdout.split('\n').sort()).toEqual([
    '',
    'idle',
    'one',
  ])
  expect((await cli(['stats', '--format', '{{.Name}}'], { until: 'one' })).stdout).toContain('one')
  expect((await cli(['top', 'one', '-o', 'pid,args'])).stdout).toMatch(/^PID +COMMAND\n\d+ +sleep 1000\n$/)
  expect(await cli(['stats', '--no-stream', 'none'])).toMatchObject({
    stderr: expect.stringContaining('No such container'),
  })
})

it('docker update changes limits', async () => {
  await box('one', 'true', ['-m', '64m'])
  const flags = [
    '--cpus',
    '0.5',
    '-m',
    '96m',
    '--memory-swap',
    '128m',
    '--pids-limit',
    '33',
    '--restart',
    'on-failure:2',
  ]
  expect(await cli(['update', ...flags, 'one'])).toEqual(done('one\n'))
  const format =
    '{{.HostConfig.NanoCPUs}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy}}'
  expect((await cli(['inspect', '-f', format, 'one'])).stdout).toBe('500000000 100663296 33 {on-failure 2}\n')
  expect(await cli(['update', '-m', '1g', 'one'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('already set memoryswap limit'),
  })
})

it('docker ps filters and measures, docker container prune clears away', async () => {
  await box('web', 'dd if=/dev/zero of=/x bs=1000 count=5 2>/dev/null', ['-l', 'tier=front', '--expose', '81'])
  await cli(['run', '--name', 'ended', '--network', 'none', '-v', 'data:/data', 'busybox:test', 'sh', '-c', 'exit 3'])
  await cli(['create', '--name', 'made', '-l', 'tier=back', 'busybox:test'])
  const names = async (...filters: string[]): Promise<string[]> => {
    const flags = filters.flatMap(filter => ['--filter', filter])
    const { stdout } = await cli(['ps', '-a', ...flags, '--format', '{{.Names}}'])
    return stdout
      .split('\n')
      .filter(name => name !== '')
      .sort()
  }
  expect(await names('status=exited')).toEqual(['ended'])
  expect(await names('exited=3')).toEqual(['ended'])
  expect(await names('label=tier')).toEqual(['made', 'web'])
  expect(await names('volume=data')).toEqual(['ended'])
  expect(await names('ancestor=busybox:test', 'since=web')).toEqual(['ended', 'made'])
  expect(await names('network=none', 'name=^web$')).toEqual(['web'])
  expect(await names('is-task=true')).toEqual([])
  expect((await cli(['ps', '-s', '--format', '{{.Names}} {{.Size}}'])).stdout).toMatch(
    /^web 5kB \(virtual [\d.]+MB\)\n$/,
  )
  expect(await cli(['ps', '--filter', 'colour=red'])).toMatchObject({ code: 1 })
  const pruned = await cli(['container', 'prune', '-f', '--filter', 'label!=tier=back'])
  expect(pruned.stdout).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/)
  expect(await names()).toEqual(['made', 'web'])
})
