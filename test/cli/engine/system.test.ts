import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { reply, runAgainst } from '../support/one-engine.ts'

const answering = (body: unknown) => (_request: IncomingMessage, response: ServerResponse) => reply(response, 200, body)

it('info says what the engine says, as docker does', async () => {
  const info = {
    Containers: 2,
    ContainersRunning: 1,
    ServerVersion: '1.0',
    Driver: 'overlay2',
    DriverStatus: [['Backing Filesystem', 'extfs']],
    Plugins: { Volume: ['local'], Network: ['bridge', 'host'], Authorization: null, Log: ['json-file'] },
    Swarm: { LocalNodeState: 'inactive' },
    OSType: 'linux',
    Runtimes: { runc: {} },
    DefaultRuntime: 'runc',
    RuncCommit: { ID: '1.1' },
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
    MemTotal: 2 * 1024 ** 3,
    Debug: false,
    Labels: ['a=b'],
    RegistryConfig: {
      InsecureRegistryCIDRs: ['127.0.0.0/8'],
      Mirrors: null,
      IndexConfigs: { 'x:5000': { Secure: false } },
    },
    LiveRestoreEnabled: true,
    Warnings: ['WARNING: something'],
  }
  expect(await runAgainst(['info'], answering(info))).toEqual({
    code: 0,
    stderr: 'WARNING: something\n',
    stdout: `Client:
 Version:    9.9.9
 Context:    default
 Debug Mode: false

Server:
 Containers: 2
  Running: 1
 Server Version: 1.0
 Storage Driver: overlay2
  Backing Filesystem: extfs
 Plugins:
  Volume: local
  Network: bridge host
  Log: json-file
 Swarm: inactive
 Runtimes: runc
 Default Runtime: runc
 runc version: 1.1
 Security Options:
  seccomp
   Profile: builtin
  cgroupns
 OSType: linux
 Total Memory: 2GiB
 Debug Mode: false
 Labels:
  a=b
 Insecure Registries:
  x:5000
  127.0.0.0/8
 Live Restore Enabled: true

`,
  })
})

it('version says when the engine was built', async () => {
  const server = { Version: '1', ApiVersion: '1.47', Os: 'linux', Arch: 'amd64', BuildTime: '2025-05-30T12:07:14.000Z' }
  const { stdout } = await runAgainst(['version'], answering(server))
  expect(stdout).toContain('\n  Built:            Fri May 30 12:07:14 2025\n')
})

it('system df -v shows each piece of the cache, and images once', async () => {
  const usage = {
    Images: [{ Id: 'sha256:1234', RepoTags: ['a:1', 'b:1'], Created: 0, Size: 1500, SharedSize: 500, Containers: 0 }],
    BuildCache: [
      {
        ID: 'abcdefghijklmnop',
        Type: 'regular',
        Size: 2000,
        InUse: true,
        Shared: false,
        UsageCount: 3,
        LastUsedAt: null,
      },
    ],
    BuilderSize: 2000,
  }
  const { stdout } = await runAgainst(['system', 'df', '-v'], answering(usage))
  expect(stdout).toMatch(/\na +1 +1234 +N\/A +1\.5kB +500B +1kB +0\n\n/)
  expect(stdout).toMatch(/\nabcdefghijkl\* +regular +2kB +3 +false\n/)
  const { stdout: json } = await runAgainst(['system', 'df', '-v', '--format', 'json'], answering(usage))
  expect(JSON.parse(json)).toMatchObject({ Images: [{ Repository: 'a' }], BuildCache: [{ ID: 'abcdefghijklmnop*' }] })
})

it('search asks a registry, and shows what has most stars first', async () => {
  let asked = ''
  const found = [
    { name: 'few', description: 'x'.repeat(50), star_count: 1, is_official: false, is_automated: false },
    { name: 'many', description: 'two\nlines', star_count: 9, is_official: true, is_automated: false },
  ]
  const outcome = await runAgainst(['search', '--limit', '5', '-f', 'stars=1', 'reg.test/app'], (request, response) => {
    asked = decodeURIComponent(request.url ?? '')
    reply(response, 200, found)
  })
  expect(asked).toBe('/images/search?term=reg.test/app&limit=5&filters={"stars":["1"]}')
  expect(outcome.stdout).toBe(
    [
      'NAME      DESCRIPTION                                     STARS     OFFICIAL',
      'many      two lines                                       9         [OK]',
      `few       ${'x'.repeat(44)}…   1         `,
      '',
    ].join('\n'),
  )
})
