import { mkdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { Scope } from '../../../src/core/scope.ts'
import { jsonAnswer, serveByHand } from '../../support/hand-server.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

/** Nothing listens on port 1 of loopback. */
const none = (name: string, url = 'tcp://127.0.0.1:1', ...more: readonly string[]) =>
  world.machine('create', '-d', 'none', '--url', url, ...more, name)

describe('machine ls', () => {
  it('shows machines in natural order, each with what its engine says', async () => {
    await using scope = new Scope()
    const { address } = await serveByHand(scope, socket => socket.end(jsonAnswer({ Version: '28.5.2' })))
    await none('n10', `tcp://${address}`)
    await none('n2', `tcp://${address}`)
    const { stdout } = await world.withEnv(
      { DOCKER_HOST: `tcp://${address}` },
      'ls',
      '--format',
      '{{.Name}} {{.Active}} {{.DriverName}} {{.State}} {{.URL}} {{.DockerVersion}}',
    )
    const row = `* none Running tcp://${address} v28.5.2`
    expect(stdout).toBe(`n2 ${row}\nn10 ${row}\n`)
  })

  it('is not broken by machines that are', async () => {
    await none('n1')
    await mkdir(`${world.root}/machines/broken`)
    await writeFile(`${world.root}/machines/broken/machine.json`, '{"version":1}')
    await mkdir(`${world.root}/machines/newer`)
    await writeFile(`${world.root}/machines/newer/machine.json`, '{"version":99}')
    const { code, stdout } = await world.machine('ls', '--format', '{{.Name}}|{{.State}}|{{.DockerVersion}}|{{.Error}}')
    expect(code).toBe(0)
    const rows = stdout.trim().split('\n')
    expect(rows).toEqual([
      expect.stringMatching(/^broken\|Error\|Unknown\|Cannot read .*machine\.json/),
      expect.stringMatching(/^n1\|Running\|Unknown\|.*127\.0\.0\.1:1/),
      expect.stringMatching(/^newer\|Error\|Unknown\|.*written by a newer machine/),
    ])
  })

  it('filters: values of one key are alternatives, keys must all hold', async () => {
    await none('web1', 'tcp://127.0.0.1:1', '--engine-label', 'rack=a')
    await none('web2', 'tcp://127.0.0.1:1', '--engine-label', 'rack=b')
    await none('db')
    const names = async (...filters: readonly string[]) =>
      (await world.machine('ls', '-q', ...filters.flatMap(filter => ['--filter', filter]))).stdout.trim().split('\n')
    expect(await names('name=^web')).toEqual(['web1', 'web2'])
    expect(await names('name=1$', 'name=db')).toEqual(['db', 'web1'])
    expect(await names('name=^web', 'label=rack=b')).toEqual(['web2'])
    expect(await names('label=rack')).toEqual(['web1', 'web2'])
    expect(await names('driver=generic')).toEqual([''])
    expect(await names('state=running', 'driver=none')).toEqual(['db', 'web1', 'web2'])
  })

  it('prints an object a line with --json, and takes no other format beside it', async () => {
    await none('n1')
    const { stdout } = await world.machine('ls', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ Name: 'n1', DriverName: 'none', State: 'Running', Labels: {} })
    expect((await world.machine('ls', '--json', '--format', 'json')).stdout).toContain('"Name":"n1"')
    expect(await world.machine('ls', '--json', '--format', '{{.Name}}')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('leave one of the two out'),
    })
    expect(JSON.parse((await world.machine('certs', 'ls', '--json')).stdout)).toMatchObject({ Name: 'n1' })
  })

  it('shows what became of machines that were not made to their end, and what to type', async () => {
    const seen = async () =>
      (await world.machine('ls', '--format', '{{.Name}}|{{.DriverName}}|{{.State}}|{{.URL}}|{{.Error}}')).stdout
    world.refuse = () => failed('SSH_AUTH', 'no key fits')
    await world.machine('create', '--host', '127.0.0.1:1', 'n1')
    expect(await seen()).toBe(
      'n1|generic|Error||not provisioned, failed at connect: no key fits; run `machine create n1`\n',
    )
    expect((await world.machine('status', 'n1')).stdout).toBe('Error\n')
    expect((await world.machine('ls')).stdout).toMatch(
      / {2}not provisioned, failed at connect: see `machine doctor n1` *\n$/,
    )
    const { code, stdout: found } = await world.machine('doctor', '--json', 'n1')
    expect(found.split('\n').map(line => (line === '' ? '' : JSON.parse(line)))[0]).toEqual({
      machine: 'n1',
      check: 'provisioning',
      verdict: 'problem',
      message: 'not provisioned, failed at connect: no key fits; run `machine create n1`',
    })
    expect(code).toBe(1)
    world.refuse = undefined
    await world.machine('provision', 'n1')
    expect(await seen()).toBe('n1|generic|Stopped||\n')
  })

  it('says at what the last provisioning of a machine failed that was there before', async () => {
    await none('n1')
    const failedStep = { status: 'failed', startedAtMs: 0, error: 'no space left' }
    const provision = { startedAtMs: 0, steps: { engine: failedStep }, undo: [] }
    await writeFile(`${world.root}/machines/n1/provision.json`, JSON.stringify(provision))
    expect((await world.machine('ls', '--format', '{{.State}}|{{.Error}}')).stdout).toMatch(
      /^Running\|.*its last provisioning failed at engine: no space left; run `machine provision n1`\n$/,
    )
  })

  it('waits for a machine that says nothing no longer than is said, and says so', async () => {
    await using scope = new Scope()
    const { address } = await serveByHand(scope, () => {})
    await none('n1', `tcp://${address}`)
    expect((await world.machine('ls', '-t', '1', '--format', '{{.State}}|{{.URL}}|{{.Error}}')).stdout).toBe(
      'Timeout||no answer within 1 s\n',
    )
  })

  it('cuts an error that is longer than a line, and tells all of it to programs', async () => {
    await none('n1')
    const error = `no space left ${'on the disk '.repeat(20)}`
    const failedStep = { status: 'failed', startedAtMs: 0, error }
    const provision = { startedAtMs: 0, steps: { engine: failedStep }, undo: [] }
    await writeFile(`${world.root}/machines/n1/provision.json`, JSON.stringify(provision))
    const [, row = ''] = (await world.machine('ls')).stdout.split('\n')
    const cell = row.trim().split(/ {2,}/).at(-1) ?? ''
    expect(cell).toMatch(/^.{40,}… see `machine doctor n1`$/)
    expect(cell.length).toBeLessThanOrEqual(80)
    expect((await world.machine('ls', '--json')).stdout).toContain(error)
    expect((await world.machine('doctor', 'n1')).stdout).toContain(error.trim())
  })

  it.each([['label'], ['nosuch=1'], ['name=(']])('refuses the filter %s', async filter => {
    expect((await world.machine('ls', '--filter', filter)).code).toBe(2)
  })

  it('has the columns of docker-machine', async () => {
    expect((await world.machine('ls')).stdout.split(/ +|\n/).filter(Boolean)).toEqual([
      'NAME',
      'ACTIVE',
      'DRIVER',
      'STATE',
      'URL',
      'SWARM',
      'DOCKER',
      'ERRORS',
    ])
  })
})

describe('machine env', () => {
  it('prints what a shell reads, for a machine without certificates too', async () => {
    await none('n1', 'tcp://10.0.0.5:2376')
    const { stdout } = await world.machine('env', '--shell', 'bash', 'n1')
    expect(stdout).toBe(
      [
        'unset DOCKER_TLS_VERIFY;',
        'export DOCKER_HOST="tcp://10.0.0.5:2376";',
        'unset DOCKER_CERT_PATH;',
        'export DOCKER_MACHINE_NAME="n1";',
        '# Run this command to configure your shell: ',
        '# eval $(machine env --shell bash n1)',
        '',
      ].join('\n'),
    )
  })

  it('points docker at the certificates that there are', async () => {
    await none('n1', 'tcp://10.0.0.5:2376')
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) await writeFile(`${world.root}/machines/n1/${file}`, 'x')
    expect((await world.machine('env', '--shell', 'fish', 'n1')).stdout).toContain(
      `set -gx DOCKER_TLS_VERIFY "1";\nset -gx DOCKER_HOST "tcp://10.0.0.5:2376";\nset -gx DOCKER_CERT_PATH "${world.root}/machines/n1";\n`,
    )
    expect((await world.machine('config', 'n1')).stdout).toBe(
      `--tlsverify\n--tlscacert="${world.root}/machines/n1/ca.pem"\n--tlscert="${world.root}/machines/n1/cert.pem"\n--tlskey="${world.root}/machines/n1/key.pem"\n-H=tcp://10.0.0.5:2376\n`,
    )
  })

  it.each([
    [['--shell', 'cmd'], 'SET DOCKER_HOST=tcp://10.0.0.5:2376\n'],
    [['--shell', 'powershell'], '$Env:DOCKER_HOST = "tcp://10.0.0.5:2376"\n'],
    [['--shell', 'tcsh'], 'setenv DOCKER_HOST "tcp://10.0.0.5:2376";\n'],
    [['--shell', 'emacs'], '(setenv "DOCKER_HOST" "tcp://10.0.0.5:2376")\n'],
    [['--shell', 'sh', '--no-proxy'], 'export NO_PROXY="a,10.0.0.5";\n'],
    [['--shell', 'sh', '--swarm'], 'export DOCKER_HOST="tcp://10.0.0.5:3376";\n'],
  ])('with %j', async (flags, line) => {
    await none('n1', 'tcp://10.0.0.5:2376', '--swarm-master')
    const { stdout } = await world.withEnv({ NO_PROXY: 'a' }, 'env', ...flags, 'n1')
    expect(stdout).toContain(line)
  })

  it('takes the variables back, of no machine', async () => {
    expect((await world.machine('env', '-u', '--shell', 'zsh')).stdout).toMatch(
      /^unset DOCKER_TLS_VERIFY;\nunset DOCKER_HOST;\n/,
    )
    expect(await world.machine('env', '-u', '--shell', 'zsh', 'n1')).toMatchObject({
      code: 2,
      stderr: 'Expected no machine name when the -u flag is present\n',
    })
    expect(await world.machine('env', '-u')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Unknown shell'),
    })
  })
})

describe('facts of machines', () => {
  beforeEach(() => none('default', 'tcp://10.0.0.5:2376'))

  it('are those of the machine called default where none is named', async () => {
    expect((await world.machine('ip')).stdout).toBe('10.0.0.5:2376\n')
    expect((await world.machine('url')).stdout).toBe('tcp://10.0.0.5:2376\n')
    expect((await world.machine('status')).stdout).toBe('Running\n')
    expect((await world.machine('inspect', '-f', '{{.DriverName}} {{json .Record.engine.labels}}')).stdout).toBe(
      'none {}\n',
    )
    await world.machine('rm', '-y', 'default')
    expect((await world.machine('ip')).stderr).toContain('No machine name(s) specified and no "default" machine exists')
  })

  it('are laid out as templates of docker-machine have them', async () => {
    const host = ['--host', 'admin@10.0.0.7:2222', '--generic-ssh-key', 'id_mine', '--tls-san', 'n.example']
    await world.machine('create', ...host, '--engine-label', 'rack=a', '--swarm', '--swarm-master', 'm1')
    const shows = async (template: string) => (await world.machine('inspect', '-f', template, 'm1')).stdout.trimEnd()
    expect(await shows('{{.Driver.IPAddress}} {{.Driver.MachineName}} {{.Name}} {{.DriverName}}')).toBe(
      '10.0.0.7 m1 m1 generic',
    )
    expect(await shows('{{.Driver.SSHUser}}:{{.Driver.SSHPort}} {{.Driver.SSHKeyPath}} {{.Driver.EnginePort}}')).toBe(
      `admin:2222 ${world.root}/machines/m1/id_mine 2376`,
    )
    expect(await shows('{{.Driver.SwarmMaster}} {{.HostOptions.SwarmOptions.Strategy}}')).toBe('true spread')
    expect(await shows('{{json .HostOptions.EngineOptions.Labels}}')).toBe('["rack=a"]')
    expect(await shows('{{json .HostOptions.AuthOptions.ServerCertSANs}}')).toBe('["n.example"]')
    expect(await shows('{{prettyjson .HostOptions.EngineOptions.Labels}}')).toBe('[\n    "rack=a"\n]')
  })

  it('do nothing for any where one name is not known', async () => {
    expect(await world.machine('ip', 'default', 'nosuch')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Machine "nosuch" does not exist'),
    })
  })

  it('tell which machine docker is pointed at', async () => {
    expect((await world.withEnv({ DOCKER_HOST: 'tcp://10.0.0.5:2376' }, 'active')).stdout).toBe('default\n')
    expect(await world.machine('active')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No active host found'),
    })
  })

  it('tell a machine that cannot be turned on or off so', async () => {
    expect((await world.machine('stop', 'default')).stderr).toContain(
      '"none" of machine "default" does not support stop',
    )
    await world.machine('create', '--host', '10.0.0.7', 'g1')
    expect(await world.machine('start', 'g1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('turn its power on'),
    })
    expect(await world.machine('restart', '--dry-run', 'g1')).toMatchObject({ code: 0, stdout: 'Would restart "g1"\n' })
  })

  it('have no snapshots with drivers that make none', async () => {
    for (const verb of ['ls', 'create', 'restore', 'rm']) {
      const snapshot = verb === 'ls' ? [] : ['before']
      expect(await world.machine('snapshot', verb, 'default', ...snapshot)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('"none" of machine "default" has no snapshots'),
      })
    }
    expect((await world.machine('snapshot', 'create', 'default')).code).toBe(2)
  })

  it('tell versions', async () => {
    expect((await world.machine('version')).stdout).toBe('machine version 9.9.9\n')
  })
})
