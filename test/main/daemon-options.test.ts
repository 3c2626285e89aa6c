import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Options } from '../../src/cli/index.ts'
import { parseConfig } from '../../src/main/daemon/config-file.ts'
import { optionsOf } from '../../src/main/daemon/daemon-flag.ts'
import { DAEMON_FLAGS } from '../../src/main/daemon/daemon-flags.ts'
import { daemonOptions } from '../../src/main/daemon/daemon-options.ts'
import { engineSettings } from '../../src/main/daemon/engine-flags.ts'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-daemon-'))
  file = join(directory, 'daemon.json')
})
afterEach(() => rm(directory, { recursive: true }))

/** Options as the command line gives them. */
function given(values: Readonly<Record<string, unknown>>): Options {
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  return {
    text,
    choice: name => (typeof values[name] === 'boolean' ? values[name] : undefined),
    flag: name => values[name] === true,
    list: name => [values[name] ?? []].flat().filter(value => typeof value === 'string'),
    number: name => (text(name) === undefined ? undefined : Number(text(name))),
  }
}

const settingsOf = async (config: object, flags: Readonly<Record<string, unknown>> = {}) => {
  await writeFile(file, JSON.stringify(config))
  return (await engineSettings(given({ configFile: file, ...flags }), { hostname: 'h', socket: 's' })).settings
}

describe('the table of flags', () => {
  it('has every name, key and letter once', () => {
    for (const names of [
      DAEMON_FLAGS.map(({ name }) => name),
      DAEMON_FLAGS.map(({ key, name }) => key ?? name),
      DAEMON_FLAGS.flatMap(({ short }) => short ?? []),
    ]) {
      expect(names).toHaveLength(new Set(names).size)
    }
  })

  it('shows what can be used, and hides what is only known to be refused', () => {
    const options = optionsOf(DAEMON_FLAGS)
    const shown = options.filter(({ hidden }) => hidden !== true).map(({ flags }) => flags)
    expect(shown).toEqual(expect.arrayContaining(['-D, --debug', '-s, --storage-driver <driver>', '--bip <cidr>']))
    expect(shown.some(flags => flags.includes('containerd'))).toBe(false)
    for (const { name, summary, refused } of DAEMON_FLAGS) expect([name, summary + (refused ?? '')]).not.toContain('')
  })
})

describe('a configuration file', () => {
  it("is read with dockerd's keys", async () => {
    const settings = await settingsOf({
      debug: true,
      hosts: ['unix:///a', 'tcp://127.0.0.1:1'],
      labels: ['a=b'],
      bip: '10.9.0.1/24',
      'fixed-cidr': '10.9.0.128/25',
      icc: false,
      ip: '127.0.0.1',
      'ip-masq': false,
      'ip-forward': false,
      mtu: 1_400,
      dns: ['9.9.9.9'],
      'dns-opts': ['ndots:2'],
      'dns-search': ['example.org'],
      'log-driver': 'local',
      'log-opts': { 'max-size': '1m' },
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 100, Hard: 200 } },
      'default-address-pools': [{ base: '10.20.0.0/16', size: 24 }],
      'default-shm-size': '1m',
      'default-cgroupns-mode': 'private',
      'insecure-registries': ['r:5000'],
      'registry-mirrors': ['http://m'],
      'max-concurrent-downloads': 2,
      'live-restore': true,
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      'storage-driver': 'overlay2',
      'no-new-privileges': true,
      'selinux-enabled': false,
      bridge: null,
    })
    expect(settings).toMatchObject({ hosts: ['unix:///a', 'tcp://127.0.0.1:1'], logLevel: 'debug' })
    expect(settings.engine).toMatchObject({
      debug: true,
      labels: ['a=b'],
      bip: '10.9.0.1/24',
      fixedCidr: '10.9.0.128/25',
      icc: false,
      hostBinding: '127.0.0.1',
      masquerade: false,
      forwardPackets: false,
      mtu: 1_400,
      addressPools: [{ base: '10.20.0.0/16', size: 24 }],
      insecureRegistries: ['r:5000'],
      registryMirrors: ['http://m'],
      downloadsAtOnce: 2,
      containerDefaults: {
        dns: ['9.9.9.9'],
        dnsOptions: ['ndots:2'],
        dnsSearch: ['example.org'],
        logDriver: 'local',
        logOptions: { 'max-size': '1m' },
        ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
        shmBytes: 2 ** 20,
        cgroupnsMode: 'private',
        noNewPrivileges: true,
      },
    })
  })

  it('may be missing, unless it was asked for', async () => {
    const options = await daemonOptions(given({ bip: '10.0.0.1/8' }), file)
    expect(options.text('bip')).toBe('10.0.0.1/8')
    await expect(daemonOptions(given({ configFile: file }))).rejects.toMatchObject({
      message: `unable to configure the engine with file ${file}: open ${file}: no such file or directory`,
    })
  })

  it('may not say again what a flag says', async () => {
    await expect(settingsOf({ labels: ['a=b'], debug: true }, { label: ['x=y'], debug: true })).rejects.toThrow(
      `file ${file}: the following directives are specified both as a flag and in the configuration file: ` +
        'labels: (from flag: [x=y], from file: [a=b]), debug: (from flag: true, from file: true)',
    )
  })

  it.each([
    [{ foo: 1, bar: 2 }, "the following directives don't match any configuration option: foo, bar"],
    [{ 'config-file': '/x' }, "don't match any configuration option: config-file"],
    [{ debug: 'yes' }, 'debug: expected true or false, not "yes"'],
    [{ dns: '9.9.9.9' }, 'dns: expected an array of strings'],
    [{ mtu: '1500' }, 'mtu: expected a number'],
    [{ 'log-opts': ['a=b'] }, 'log-opts: expected an object of strings'],
    [{ 'default-ulimits': { nofile: 1 } }, 'default-ulimits: expected an object of {"Name", "Soft", "Hard"}'],
    [{ 'default-address-pools': ['x'] }, 'default-address-pools: expected an array of {"base", "size"}'],
    [{ 'userns-remap': 'default' }, '"--userns-remap" is not supported: containers have the user ids of the host'],
    [{ runtimes: { kata: { path: '/k' } } }, '"--add-runtime" is not supported: containers have one runtime'],
    [{ 'live-restore': false }, '"--live-restore=false" is not supported: containers always outlive the engine'],
    [{ 'storage-driver': 'zfs' }, '"--storage-driver=zfs" is not supported'],
    [{ 'exec-opts': ['native.cgroupdriver=systemd'] }, '"--exec-opt=native.cgroupdriver=systemd" is not supported'],
    [{ 'seccomp-profile': '/no/such' }, 'Cannot use --seccomp-profile "/no/such"'],
  ])('%j is refused', async (config, message) => {
    await expect(settingsOf(config)).rejects.toThrow(message)
  })

  it.each(['{bad', '[]', '"x"'])('of %j is refused', text => {
    expect(() => parseConfig(text, DAEMON_FLAGS)).toThrow(/^it (is no JSON|holds no JSON object)/)
  })

  it('names a file with the profile of system calls', async () => {
    const profile = join(directory, 'seccomp.json')
    await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }))
    expect((await settingsOf({ 'seccomp-profile': profile })).engine.containerDefaults?.seccomp).toContain('SCMP_ACT')
    expect((await settingsOf({ 'seccomp-profile': 'unconfined' })).engine.containerDefaults).toEqual({
      seccomp: 'unconfined',
    })
    expect((await settingsOf({ 'seccomp-profile': 'builtin' })).engine.containerDefaults).toBeUndefined()
    await writeFile(profile, '{"defaultAction": 7}')
    await expect(settingsOf({ 'seccomp-profile': profile })).rejects.toThrow(
      `Cannot use --seccomp-profile "${profile}"`,
    )
  })
})

describe('settings that cannot work', () => {
  it.each(['foo', 'mirror.example:5000', 'ftp://m', 'https://', 'https://u:p@m', 'https://m?a=b', 'https://m/#a', ''])(
    'are mirrors like "%s"',
    async url => {
      await expect(settingsOf({ 'registry-mirrors': ['https://good', url] })).rejects.toMatchObject({
        code: 'BAD_FLAG',
        message: expect.stringContaining(
          `Cannot use --registry-mirror "${url}": expected a URL with https://`,
        ) as string,
      })
    },
  )

  it.each([
    ['default-runtime', 'shoal-no-such-runtime'],
    ['default-runtime', '/nope/runc'],
    ['init-path', '/nope/init'],
  ])('are programs that are not there: %s %s', async (key, name) => {
    await expect(settingsOf({ [key]: name })).rejects.toMatchObject({
      code: 'BAD_FLAG',
      message: `Cannot use --${key} "${name}": there is no such program; install it, or give its path`,
    })
  })

  it('are none of these', async () => {
    const config = {
      'registry-mirrors': ['https://m:5000/path/', 'http://m'],
      'default-runtime': 'sh',
      'init-path': '/bin/sh',
    }
    expect((await settingsOf(config)).engine).toMatchObject({
      registryMirrors: config['registry-mirrors'],
      runtime: 'sh',
      initPath: '/bin/sh',
    })
  })
})
