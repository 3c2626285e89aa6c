import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Ended, machineCli } from '../../support/machine-cli.ts'
import { SshHosts } from '../../support/ssh-hosts.ts'

const MASTER = '10.231.14.11'
const WORKER = '10.231.14.12'

let hosts: SshHosts
let machine: (argv: readonly string[], input?: string) => Promise<Ended>

beforeAll(async () => {
  hosts = await SshHosts.open('sh-mcl', '10.231.14')
  machine = machineCli(join(hosts.directory, 'store'))
  await hosts.start('m1', MASTER)
  await hosts.start('w1', WORKER)
})

afterAll(() => hosts.close())

const flags = (name: string, address: string): string[] => {
  const engine = ['--engine-opt', `cgroup-parent=${hosts.hosts.cgroupParent(name)}`]
  return ['--host', address, '--generic-ssh-key', hosts.keyPath, '--accept-new', ...engine]
}

/** Docker's own command line with the flags that `machine config` prints, as a person's shell would hand them on. */
async function dockerAtManager(...words: readonly string[]): Promise<string> {
  const { stdout: printed } = await machine(['config', '--swarm', 'm1'])
  const args = printed
    .trim()
    .split('\n')
    .map(line => line.replaceAll('"', ''))
  return (await promisify(execFile)('docker', [...args, ...words])).stdout
}

it('goes from two bare hosts to a cluster with certificates, and back', async () => {
  expect(await machine(['create', ...flags('m1', MASTER), '--swarm', '--swarm-master', 'm1'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('[m1] Ready (machine env --swarm m1)'),
  })
  expect(await machine(['create', ...flags('w1', WORKER), '--swarm', 'w1'])).toMatchObject({ code: 0 })
  expect(await machine(['provision', 'm1', 'w1'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('[w1] Ready, nothing was to be done'),
  })
  const { stdout } = await machine(['ls', '--format', '{{.Name}} {{.State}} {{.Error}}'])
  expect(stdout).toBe('m1 Running \nw1 Running \n')
  expect(await machine(['doctor'])).toMatchObject({ code: 0, stderr: '' })
  for (const name of ['m1', 'w1']) expect(await hosts.run(name, 'ls /etc/shoal')).not.toContain('join-token')

  expect(await dockerAtManager('info', '--format', '{{.Name}}')).not.toBe('')
  const key = join(hosts.directory, 'store/machines/m1/client/key.pem')
  expect(statSync(key).mode & 0o777).toBe(0o600)
  expect(await machine(['regenerate-certs', '-f', 'w1'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('There are new certificates for "w1"\n'),
  })
  expect(await machine(['certs', 'rotate', '--revoke-old', 'm1', 'w1'])).toMatchObject({
    code: 0,
    stdout: 'There are new certificates for "m1"\nThere are new certificates for "w1"\n',
  })
  expect(await machine(['certs', 'rotate', '--ca'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Your certificate was renewed'),
  })
  const { stdout: shown } = await machine(['certs', 'ls', '-f', '{{.Name}} {{.Role}} {{.Left}} {{.Error}}'])
  expect(shown).toMatch(/^m1 engine 89 days \nm1 manager 89 days \nw1 engine 89 days \n(m1 client 89 days \n)+$/)
  expect(await dockerAtManager('ps', '-q')).toBe('')

  expect(await machine(['cordon', 'w1'])).toMatchObject({ code: 0, stdout: '"w1" gets nothing new\n' })
  expect(await machine(['drain', 'w1'])).toMatchObject({ code: 0, stdout: '"w1" is empty\n' })
  expect(await machine(['uncordon', 'w1'])).toMatchObject({ code: 0 })
  expect(await machine(['logs', 'w1'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) })
  expect(await machine(['rm', '-y', '--data', 'w1'])).toEqual({
    code: 0,
    stdout: 'About to remove w1\nSuccessfully removed w1\n',
    stderr: expect.any(String),
  })

  expect(hosts.pids('w1', /swarm join|engine/)).toEqual([])
  const nodes = '/opt/shoal/current/bin/swarm node ls -q -H unix:///run/shoal/manager.sock'
  expect(await hosts.run('m1', nodes)).toBe('m1\n')
})
