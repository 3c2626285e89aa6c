import { expect, it } from 'vitest'
import { CREATE_OPTIONS } from '../../../src/cli/commands/container/create/create-options.ts'
import { createRequest } from '../../../src/cli/commands/container/create/create-request.ts'
import { mount } from '../../../src/cli/commands/container/create/read-mount.ts'
import { readPorts } from '../../../src/cli/commands/container/create/read-ports.ts'
import { runCommand } from '../support/run.ts'

/** What a line of flags asks the engine for. */
async function requestOf(line: readonly string[], env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  let request: unknown
  const outcome = await runCommand(['run', ...line], {
    env,
    root: {
      name: 'shoal',
      summary: '',
      commands: [
        {
          name: 'run',
          summary: '',
          args: '<image> [command...]',
          passThrough: true,
          options: CREATE_OPTIONS,
          load: () =>
            Promise.resolve(async (invocation, context) => {
              request = createRequest(invocation, context)
            }),
        },
      ],
    },
  })
  if (outcome.code !== 0) throw new Error(outcome.stderr)
  return request as Record<string, unknown>
}

it.each([
  [
    ['-m', '64m', '--cpus', '0.5', '--pids-limit', '-1'],
    { HostConfig: { Memory: 67_108_864, NanoCpus: 5e8, PidsLimit: -1 } },
  ],
  [
    ['--memory-swap', '-1', '--restart', 'on-failure:3'],
    { HostConfig: { MemorySwap: -1, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } },
  ],
  [['-it'], { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true }],
  [['-a', 'stderr', '-i'], { AttachStdin: false, AttachStdout: false, AttachStderr: true }],
  [['-v', '/a:/b:ro', '-v', '/anon'], { HostConfig: { Binds: ['/a:/b:ro'] }, Volumes: { '/anon': {} } }],
  [['--tmpfs', '/run:size=1m'], { HostConfig: { Tmpfs: { '/run': 'size=1m' } } }],
  [['--entrypoint', 'sh', 'i', '-c', 'x'], { Entrypoint: ['sh'], Image: 'i', Cmd: ['-c', 'x'] }],
  [
    ['--ulimit', 'nofile=5:6', '--ulimit', 'core=0'],
    {
      HostConfig: {
        Ulimits: [
          { Name: 'nofile', Soft: 5, Hard: 6 },
          { Name: 'core', Soft: 0, Hard: 0 },
        ],
      },
    },
  ],
  [
    ['--device', '/dev/fuse:rw'],
    { HostConfig: { Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rw' }] } },
  ],
  [
    ['--network', 'front', '--network-alias', 'w', '--ip', '10.0.0.9'],
    {
      HostConfig: { NetworkMode: 'front' },
      NetworkingConfig: { EndpointsConfig: { front: { Aliases: ['w'], IPAMConfig: { IPv4Address: '10.0.0.9' } } } },
    },
  ],
  [
    ['--network', 'name=a,alias=x', '--network', 'b'],
    { HostConfig: { NetworkMode: 'a' }, NetworkingConfig: { EndpointsConfig: { a: { Aliases: ['x'] }, b: {} } } },
  ],
  [
    ['--health-cmd', 'true', '--health-interval', '2s'],
    { Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 2e9 } },
  ],
  [['--add-host', 'a=1.2.3.4', '--add-host', 'b:[::1]'], { HostConfig: { ExtraHosts: ['a:1.2.3.4', 'b:::1'] } }],
  [['-v', './x:/b', '-v', 'x:/c'], { HostConfig: { Binds: ['/x:/b', 'x:/c'] } }],
  [['--security-opt', 'systempaths=unconfined'], { HostConfig: { SecurityOpt: [], MaskedPaths: [] } }],
  [['--no-healthcheck'], { Healthcheck: { Test: ['NONE'] } }],
  [
    ['-h', 'web', '--log-opt', 'max-size=1m', '--log-driver', 'local'],
    { Hostname: 'web', HostConfig: { LogConfig: { Type: 'local', Config: { 'max-size': '1m' } } } },
  ],
  [['-l', 'a=b', '-l', 'c'], { Labels: { a: 'b', c: '' } }],
  [
    ['--sysctl', 'net.core.somaxconn=9', '--cap-drop', 'ALL', '--init', '--rm'],
    { HostConfig: { Sysctls: { 'net.core.somaxconn': '9' }, CapDrop: ['ALL'], Init: true, AutoRemove: true } },
  ],
])('%j', async (flags, expected) => {
  const line = flags.includes('i') ? flags : [...flags, 'busybox']
  expect(await requestOf(line)).toMatchObject(expected)
})

it('passes on variables of ours that are named, and only those that are set', async () => {
  expect(await requestOf(['-e', 'A=1', '-e', 'HERE', '-e', 'GONE', 'i'], { HERE: 'yes' })).toMatchObject({
    Env: ['A=1', 'HERE=yes'],
  })
})

it.each([
  [['-e', '=x', 'i'], 'invalid environment variable'],
  [['--ulimit', 'nofile', 'i'], 'invalid ulimit argument'],
  [['--restart', 'a:b:c', 'i'], 'invalid restart policy'],
  [['-m', 'lots', 'i'], `invalid argument "lots" for "-m, --memory" flag: invalid size: 'lots'`],
  [['--cpu-shares', '1.5', 'i'], 'invalid argument "1.5" for "-c, --cpu-shares" flag'],
  [['-a', 'stdlog', 'i'], 'valid streams are STDIN, STDOUT and STDERR'],
  [['--env-file', '/no/such', 'i'], 'open /no/such: no such file or directory'],
  [['--no-healthcheck', '--health-cmd', 'x', 'i'], 'conflicts with --health-*'],
  [['--network', 'name=a,nope=b', 'i'], 'invalid field key nope'],
  [['-l', '', 'i'], `invalid argument "" for "-l, --label" flag: invalid label '': empty name`],
  [['-v', '', 'i'], 'invalid empty volume spec'],
  [['-v', ':/b', 'i'], 'empty section between colons'],
  [['-v', '/a:b', 'i'], 'the path in the container must be absolute'],
  [['-p', '1.2.3:80:80', 'i'], 'invalid IP address: 1.2.3'],
  [['--ulimit', 'nope=1', 'i'], 'invalid ulimit type: nope'],
  [['--ulimit', 'nofile=5:4', 'i'], 'soft limit must be less than or equal to hard limit: 5 > 4'],
  [['--restart', 'on-failure:x', 'i'], 'maximum retry count must be an integer'],
  [['--restart', 'always', '--rm', 'i'], 'cannot specify both --restart and --rm'],
  [['--device', 'nope', 'i'], 'nope is not an absolute path'],
  [['--device', '/dev/null:/a:rr', 'i'], 'bad mode specified: rr'],
  [['--device-cgroup-rule', 'x', 'i'], "invalid device cgroup format 'x'"],
  [['--device-read-bps', '/dev/a:x', 'i'], 'invalid rate for device: /dev/a:x'],
  [['--dns', 'a', 'i'], 'IP address is not correctly formatted: a'],
  [['--add-host', 'a:b', 'i'], 'invalid IP address in add-host: "b"'],
  [['--link', 'a:b:c', 'i'], 'bad format for links: a:b:c'],
  [['--pid', 'nope', 'i'], '--pid: invalid PID mode'],
  [['--security-opt', 'nope', 'i'], 'Invalid --security-opt: "nope"'],
  [['--security-opt', 'seccomp=/no/such', 'i'], 'opening seccomp profile (/no/such) failed: open /no/such'],
  [['--sysctl', 'kernel.x=1', 'i'], "sysctl 'kernel.x=1' is not allowed"],
  [['--health-timeout', '-1s', 'i'], '--health-timeout cannot be negative'],
  [['--health-interval', '5', 'i'], 'time: missing unit in duration "5"'],
  [['--mac-address', 'zz', 'i'], 'zz is not a valid mac address'],
  [['--network', 'none', '--network-alias', 'x', 'i'], 'only supported for user-defined networks'],
  [['--network', 'a', '--network', 'a', 'i'], 'network "a" is specified multiple times'],
  [['--network', 'a', '--network', 'host', 'i'], 'cannot attach both user-defined and non-user-defined'],
  [['--network', 'name=a,ip=10.0.0.1', '--ip', '10.0.0.2', 'i'], 'cannot specify both --ip and per-network IPv4'],
  [['--network', '', 'i'], 'no name set for network'],
  [['--cpu-count', '1', 'i'], '"--cpu-count" is only supported on a Docker daemon running on windows'],
  [['UPPER'], 'Cannot read image name "UPPER"'],
])('refuses %j', async (line, message) => {
  await expect(requestOf(line)).rejects.toThrow(message)
})

it.each([
  [['80'], { '80/tcp': [{ HostIp: '', HostPort: '' }] }],
  [['8080:80/udp'], { '80/udp': [{ HostIp: '', HostPort: '8080' }] }],
  [['127.0.0.1:8080:80'], { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] }],
  [['[::1]:8080:80'], { '80/tcp': [{ HostIp: '::1', HostPort: '8080' }] }],
  [['127.0.0.1::80'], { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] }],
  [['8000-8001:80-81'], { '80/tcp': [{ HostIp: '', HostPort: '8000' }], '81/tcp': [{ HostIp: '', HostPort: '8001' }] }],
  [['8000-8009:80'], { '80/tcp': [{ HostIp: '', HostPort: '8000-8009' }] }],
  [
    ['1:80', '2:80'],
    {
      '80/tcp': [
        { HostIp: '', HostPort: '1' },
        { HostIp: '', HostPort: '2' },
      ],
    },
  ],
  [['target=80,published=81'], { '80/tcp': [{ HostIp: '', HostPort: '81' }] }],
])('publishes %j', (published, bindings) => {
  expect(readPorts(published, ['90-91']).bindings).toEqual(bindings)
  expect(readPorts(published, ['90-91']).exposed).toMatchObject({ '90/tcp': {}, '91/tcp': {} })
})

it.each(['x', '80:x', '80/xyz', '1-2:80-83', '99999', ':', '3-1:80'])('cannot publish %s', text => {
  expect(() => readPorts([text], [])).toThrow(/^(invalid|no port specified)/)
})

it.each([
  ['type=bind,src=/a,dst=/b,readonly', { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
  [
    'src=v,target=/b,volume-subpath=x,volume-nocopy',
    { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { Subpath: 'x', NoCopy: true } },
  ],
  [
    'dst=/b,"volume-opt=o=addr=1.2.3.4,rw",volume-opt=type=nfs',
    {
      Type: 'volume',
      Target: '/b',
      VolumeOptions: { DriverConfig: { Options: { o: 'addr=1.2.3.4,rw', type: 'nfs' } } },
    },
  ],
  [
    'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770',
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o1770 } },
  ],
])('--mount %s', (text, expected) => {
  expect(mount(text)).toEqual(expected)
})

it.each([
  ['type=bind,src=/a', 'target is required'],
  ['dst=/b,colour=red', "unexpected key 'colour'"],
  ['dst=/b,src', "invalid field 'src' must be a key=value pair"],
  ['dst=/b,type=tmpfs,tmpfs-mode=99', 'invalid value for tmpfs-mode'],
  ['type=bind,src=/a,dst=/b,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
  ['dst=/b,ro=maybe', 'invalid value for ro: maybe'],
  ['type=bind,src=/a,dst=/b,bind-recursive=readonly', "requires 'readonly'"],
])('refuses --mount %s', (text, message) => {
  expect(() => mount(text)).toThrow(message)
})
