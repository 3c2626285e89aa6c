import { execFile } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemRandom } from '../../../src/core/random.ts'
import { createCertificateMaker, readCertificate } from '../../../src/trust/index.ts'
import { type CliResult, dockerPlain, shoalPlain } from '../../support/docker-cli.ts'
import { type Ended, environmentOf, machineCli } from '../../support/machine-cli.ts'
import { makeAuthority } from '../../support/make-certificate.ts'
import { SshHosts } from '../../support/ssh-hosts.ts'

const ADDRESS = '10.236.21.11'
const URL = `tcp://${ADDRESS}:2376`

let hosts: SshHosts
let store: string
let machine: (argv: readonly string[], input?: string) => Promise<Ended>

beforeAll(async () => {
  hosts = await SshHosts.open('sh-ltl', '10.236.21')
  store = join(hosts.directory, 'store')
  machine = machineCli(store)
  await hosts.start('n1', ADDRESS)
  const made = await machine(['create', ...flags(), '--tls-san', 'n1.example', 'n1'])
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('Ready')])
})

afterAll(() => hosts.close())

function flags(): string[] {
  const engine = ['--engine-opt', `cgroup-parent=${hosts.hosts.cgroupParent('n1')}`]
  return ['--host', ADDRESS, '--generic-ssh-key', hosts.keyPath, '--accept-new', ...engine]
}

/** What `machine env` has a shell set. */
async function environment(): Promise<Record<string, string>> {
  const { stdout } = await machine(['env', '--shell', 'sh', 'n1'])
  return environmentOf(stdout)
}

const askWith = (folder: string): Promise<CliResult> =>
  dockerPlain(['info', '--format', '{{.Name}}'], {
    environment: { DOCKER_HOST: URL, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder },
  })

async function lookAtServed(): Promise<ReturnType<typeof readCertificate>> {
  return readCertificate(await hosts.run('n1', 'cat /etc/shoal/tls/cert.pem'))
}

it('is what docker and shoal speak to by what the machine says', async () => {
  const env = await environment()
  const folder = join(store, 'machines/n1')
  expect(env).toMatchObject({ DOCKER_HOST: URL, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder })
  expect(await dockerPlain(['info', '--format', '{{.Name}}'], { environment: env })).toMatchObject({ stdout: 'n1\n' })
  expect(await shoalPlain(['info', '--format', '{{.Name}}'], { environment: env })).toMatchObject({ stdout: 'n1\n' })
  const { stdout } = await machine(['config', 'n1'])
  const words = stdout.trim().replaceAll('"', '').split('\n')
  expect(await dockerPlain([...words, 'info', '--format', '{{.Name}}'])).toMatchObject({ stdout: 'n1\n' })
  for (const key of ['certs/ca-key.pem', 'certs/key.pem', 'machines/n1/key.pem']) {
    expect(statSync(join(store, key)).mode & 0o777).toBe(0o600)
  }
  expect(await hosts.run('n1', 'stat -c %a /etc/shoal/tls /etc/shoal/tls/key.pem')).toBe('700\n600\n')
  expect((await lookAtServed()).hosts).toEqual([ADDRESS, 'n1', 'localhost', '127.0.0.1', 'n1.example'])
})

it('is as it should be the second time, and the doctor sees that', async () => {
  expect(await machine(['provision', 'n1'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Ready, nothing was to be done'),
  })
  const { code, stdout } = await machine(['doctor', '--json'])
  // Of the host it may warn: that is this one, with whatever it lacks.
  const found = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { machine: string; check: string; verdict: string; message: string })
  expect([code, found]).toEqual([
    0,
    expect.arrayContaining([
      { machine: 'n1', check: 'host', verdict: 'ok', message: 'as it should be' },
      expect.objectContaining({ machine: 'n1', check: 'engine', verdict: 'ok' }),
    ]),
  ])
  const listed = await machine(['certs', 'ls', '--format', '{{.Name}} {{.Role}} {{.Subject}} {{.Left}}'])
  expect(listed.stdout).toContain('n1 engine n1 1079 days\n')
})

it('lets in nobody without a certificate, or with one that others made, that serves, or that has expired', async () => {
  // Without certificates, and without TLS at all.
  for (const url of [`https://${ADDRESS}:2376/version`, `http://${ADDRESS}:2376/version`]) {
    await expect(promisify(execFile)('curl', ['-sSk', url])).rejects.toMatchObject({ stdout: '' })
  }
  const own = readFileSync(join(store, 'certs/ca.pem'), 'utf8')
  const authority = { certificate: own, key: readFileSync(join(store, 'certs/ca-key.pem'), 'utf8') }
  const nowMs = Date.now()
  const now = { fromMs: nowMs - 1_000, untilMs: nowMs + 3_600_000 }
  const cases = [
    ['strange', { authority: await makeAuthority(), use: 'ask', life: now }],
    ['serving', { authority, use: 'serve', life: now }],
    ['expired', { authority, use: 'ask', life: { fromMs: nowMs - 7_200_000, untilMs: nowMs - 3_600_000 } }],
  ] as const
  const maker = createCertificateMaker(systemRandom)
  for (const [name, { authority: signing, use, life }] of cases) {
    const folder = join(store, name)
    await mkdir(folder)
    const { csr, key } = await maker.request({ name: 'ann', hosts: [] })
    const asked = { csr, authority: signing, name: 'ann', organisation: 'ann', use, hosts: [], life }
    const files = { 'ca.pem': own, 'cert.pem': await maker.signLone(asked), 'key.pem': key }
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    const refused = await askWith(folder)
    // Whether docker hears why depends on which end is quicker to hang up.
    expect([name, refused.code, refused.stdout.trim()]).toEqual([name, 1, ''])
  }
  expect(await askWith(join(store, 'certs'))).toMatchObject({ code: 0, stdout: 'n1\n' })
})

it('serves with another key once that is asked for, and is asked with another', async () => {
  const before = await lookAtServed()
  expect(await machine(['regenerate-certs', 'n1'], 'n\n')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): '),
  })
  expect((await lookAtServed()).keyDigest).toBe(before.keyDigest)
  expect(await machine(['certs', 'rotate', 'n1'])).toMatchObject({ code: 0 })
  const after = await lookAtServed()
  expect(after.keyDigest).not.toBe(before.keyDigest)
  const client = readFileSync(join(store, 'certs/cert.pem'), 'utf8')
  expect(await machine(['regenerate-certs', '-f', '--client-certs', 'n1'])).toMatchObject({ code: 0 })
  expect(readFileSync(join(store, 'machines/n1/cert.pem'), 'utf8')).not.toBe(client)
  expect((await lookAtServed()).keyDigest).not.toBe(after.keyDigest)
  expect(await dockerPlain(['info', '--format', '{{.Name}}'], { environment: await environment() })).toMatchObject({
    stdout: 'n1\n',
  })
})

it('gets another certificate for another name, and where its key is another', async () => {
  const plan = async (...more: string[]): Promise<string> =>
    (await machine(['create', '--dry-run', ...more, 'n1'])).stderr
  expect(await plan('--tls-san', 'other.example')).toContain('it is not for other.example')
  const own = await hosts.run('n1', 'cat /etc/shoal/tls/cert.pem')
  const foreign = readFileSync(join(store, 'certs/cert.pem'), 'utf8')
  await hosts.run('n1', `cat > /etc/shoal/tls/cert.pem <<'END'\n${foreign}END`)
  expect(await plan()).toContain('sign a certificate for the engine')
  await hosts.run('n1', `cat > /etc/shoal/tls/cert.pem <<'END'\n${own}END`)
  expect(await plan()).not.toContain('sign')
})

it('is reached over SSH alone once that is wanted, and its port is closed', async () => {
  expect(await machine(['create', '--access', 'ssh', 'n1'])).toMatchObject({ code: 0 })
  expect(await environment()).toMatchObject({ DOCKER_HOST: `ssh://root@${ADDRESS}/run/shoal/engine.sock` })
  expect((await askWith(join(store, 'certs'))).stderr).toMatch(/Cannot connect|refused/)
  expect(await machine(['create', '--access', 'tls', 'n1'])).toMatchObject({ code: 0 })
  expect(await askWith(join(store, 'certs'))).toMatchObject({ stdout: 'n1\n' })
})

it('leaves nothing on the host', async () => {
  expect(await machine(['rm', '-y', '--data', 'n1'])).toMatchObject({ code: 0 })
  expect(await hosts.run('n1', 'ls -d /etc/shoal /opt/shoal 2>/dev/null || true')).toBe('')
})
