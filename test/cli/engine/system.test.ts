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

it.each<[string, RegExp]>([
  [
    'ps --format raw',
    /^container_id: 84\nimage: a:1\n.*\nstate: running\nstatus: Up\nnames: web\nlabels:\nports:\n\n$/s,
  ],
  ['ps --size --format raw', /\nports:\nsize: 0B\n\n$/],
  ['ps -q --format raw', /^container_id: 84\n$/],
])('%s prints fields with their words', async (line, expected) => {
  const container = {
    Id: '84',
    Image: 'a:1',
    Command: 'sh',
    Created: 0,
    State: 'running',
    Status: 'Up',
    Names: ['/web'],
    Labels: {},
    Ports: [],
    Mounts: [],
  }
  expect((await runAgainst(line.split(' '), answering([container]))).stdout).toMatch(expected)
})

it('ps measures files where a template shows all of a row', async () => {
  const asked: (string | undefined)[] = []
  for (const format of ['json', '{{json .}}', '{{.Size}}', '{{json .Names}}']) {
    await runAgainst(['ps', '--format', format], (request, response) => {
      asked.push(request.url)
      reply(response, 200, [])
    })
  }
  expect(asked.map(url => url?.includes('size=1'))).toEqual([false, true, true, false])
})

it('images --tree shows an image once, below all of its names', async () => {
  const image = { RepoTags: ['b:1', 'a/longer:1'], RepoDigests: [], Created: 0, Size: 1_984_000, SharedSize: -1 }
  const images = [
    { ...image, Id: `sha256:${'7'.repeat(64)}`, Containers: 1 },
    { ...image, Id: `sha256:${'8'.repeat(64)}`, Containers: -1, RepoTags: [], Size: 5 },
  ]
  const { stdout, code } = await runAgainst(['images', '--tree'], answering(images))
  expect(code).toBe(0)
  expect(stdout.split('\n').slice(3)).toEqual([
    'IMAGE        ID             DISK USAGE   CONTENT SIZE   EXTRA',
    'a/longer:1',
    'b:1          777777777777       1.98MB             0B     U  ',
    '<untagged>   888888888888           5B             0B        ',
    '',
  ])
  for (const flag of ['--quiet', '--no-trunc', '--digests', '--format=x']) {
    const name = flag.split('=')[0]
    expect(await runAgainst(['images', '--tree', flag], answering(images))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${name} is not yet supported with --tree`),
    })
  }
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
