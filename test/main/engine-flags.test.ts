import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Options, runProgram } from '../../src/cli/index.ts'
import { daemonOptions } from '../../src/main/daemon/daemon-options.ts'
import { readEngineFlags } from '../../src/main/daemon/engine-flags.ts'
import { ENGINE_FLAGS } from '../../src/main/daemon/engine-options.ts'
import { holdPidFile } from '../../src/main/pid-file.ts'
import { loadTls } from '../../src/main/tls-flags.ts'
import { quietContext } from '../cli/support/context.ts'

/** Parses as the program does; returns what `engine` would get. */
async function parse(...argv: string[]): Promise<Options> {
  let seen: Options | undefined
  const stderr = new PassThrough()
  const context = quietContext({ stderr })
  const load = async () => async (invocation: { readonly options: Options }) => {
    seen = invocation.options
  }
  const root = { name: 'shoal', summary: '', commands: [{ name: 'engine', summary: '', options: ENGINE_FLAGS, load }] }
  await runProgram(['engine', ...argv], { root, version: '0' }, context)
  if (seen === undefined) throw new Error(String(stderr.read()))
  return seen
}

const read = async (...argv: string[]) =>
  readEngineFlags(await parse(...argv), { hostname: 'host1', socket: 'engine.sock' })

describe('readEngineFlags()', () => {
  it('has defaults that need nothing', async () => {
    expect(await read()).toEqual({
      engine: {
        name: 'host1',
        dataRoot: '/var/lib/shoal',
        execRoot: '/run/shoal',
        insecureRegistries: [],
        registryMirrors: [],
        labels: [],
        manageFirewall: true,
        version: expect.any(String),
      },
      hosts: ['unix:///run/shoal/engine.sock'],
      logLevel: 'info',
    })
  })

  it('takes the directory of the certificates of registries, and the places to ask', async () => {
    const flags = [
      '--registry-certs',
      '/srv/certs',
      '--registry-mirror',
      'http://m:1',
      '--insecure-registry',
      '10.0.0.0/8',
    ]
    expect((await read(...flags)).engine).toMatchObject({
      registryCertificates: '/srv/certs',
      registryMirrors: ['http://m:1'],
      insecureRegistries: ['10.0.0.0/8'],
    })
    await expect(read('--registry-certs', 'relative')).rejects.toThrow('expected an absolute one')
  })

  it("takes dockerd's flags", async () => {
    const flags = [
      '-H',
      'unix:///a',
      '-H',
      'tcp://127.0.0.1:1',
      '--exec-root',
      '/e',
      '--bridge',
      'br9',
      '--bip',
      '10.9.0.1/16',
    ]
    const more = [
      '--mtu=1450',
      '--iptables=false',
      '--label',
      'a=b',
      '--label=c=',
      '--insecure-registry',
      '10.0.0.0/8',
      '-p',
      '/p',
    ]
    expect(await read(...flags, ...more, '--cgroup-parent', '/x', '-l', 'debug')).toMatchObject({
      engine: {
        execRoot: '/e',
        bridge: 'br9',
        bip: '10.9.0.1/16',
        mtu: 1450,
        manageFirewall: false,
        labels: ['a=b', 'c='],
        insecureRegistries: ['10.0.0.0/8'],
        cgroupParent: '/x',
      },
      hosts: ['unix:///a', 'tcp://127.0.0.1:1'],
      logLevel: 'debug',
      pidFile: '/p',
    })
  })

  it.each([
    [['--iptables=true'], true],
    [['--iptables'], true],
    [['--iptables=0'], false],
  ])('reads %j', async (argv, manageFirewall) => {
    expect((await read(...argv)).engine.manageFirewall).toBe(manageFirewall)
  })

  it.each([
    [['--ip6tables=false'], 'IPv4 and IPv6 are filtered together'],
    [['--mtu', '10'], 'Cannot use --mtu "10": expected 68 to 65535'],
    [['--bip', '10.0.0.1/99'], 'Cannot use --bip "10.0.0.1/99": expected an IPv4 address and its prefix'],
    [['--bip', '10.0.0.1'], 'Cannot use --bip "10.0.0.1"'],
    [['--bip', 'fd00::1/64'], 'Cannot use --bip "fd00::1/64"'],
    [['--bip', '10.1.0.0/24'], 'the address names the network; give the bridge one in it, such as 10.1.0.1/24'],
    [['--bip', '10.1.0.255/24'], 'the address is everybody in the network'],
    [['--bip', '10.1.0.1/31'], 'there is no room for containers'],
    [['--fixed-cidr', '10.2.0.0/25', '--bip', '10.1.0.1/24'], 'it is not inside the subnet of --bip'],
    [['--fixed-cidr', '10.2.0.0/25'], 'say which subnet it is a part of with --bip'],
    [['--ipv6'], 'Cannot use --ipv6 without --fixed-cidr-v6'],
    [['--ip', '::1'], 'Cannot use --ip "::1": expected an IPv4 address'],
    [['--default-address-pool', 'base=10.0.0.0/16,size=8'], 'Cannot use --default-address-pool'],
    [['--dns', 'nine'], 'Cannot use --dns "nine": expected an IP address'],
    [['--log-driver', 'syslog'], "no log driver named 'syslog' is registered"],
    [['--log-opt', 'bogus=1'], "unknown log opt 'bogus'"],
    [['--default-ulimit', 'x=1'], 'Cannot use --default-ulimit "x=1": invalid ulimit type: x'],
    [['--default-shm-size', 'much'], 'Cannot use --default-shm-size "much": expected a size'],
    [['--default-ipc-mode', 'host'], 'expected private or shareable'],
    [['--default-cgroupns-mode', 'x'], 'expected host or private'],
    [['--max-concurrent-downloads', '-1'], 'Cannot use --max-concurrent-downloads "-1"'],
    [['--oom-score-adjust', '1001'], 'expected -1000 to 1000'],
    [['--label', 'a=b', '--label', 'a=c'], 'conflict labels for a=c and a=b'],
    [['--bridge', 'a-name-that-is-too-long'], 'Cannot use --bridge'],
    [['--label', 'novalue'], 'Cannot use --label "novalue": expected key=value'],
    [['--data-root', 'relative'], 'expected an absolute one'],
    [['--tls'], '--tlscert and --tlskey must be provided when using --tls'],
    [['--tlscert', '/c'], 'require the use of either --tls or --tlsverify'],
    [['--tlsverify', '--tlscert', '/c', '--tlskey', '/k'], '--tlscacert must be provided when using --tlsverify'],
  ])('refuses %j', async (argv, message) => {
    await expect(read(...argv)).rejects.toMatchObject({ status: 400, message: expect.stringContaining(message) })
  })

  it('reads flags whose names begin with no', async () => {
    const defaults = async (...argv: string[]) => {
      const options = await daemonOptions(await parse(...argv), '/no/such')
      return readEngineFlags(options, { hostname: 'h', socket: 's' }).engine.containerDefaults
    }
    expect(await defaults('--no-new-privileges')).toEqual({ noNewPrivileges: true })
    expect(await defaults('--no-new-privileges=false')).toEqual({ noNewPrivileges: false })
    expect(await defaults()).toBeUndefined()
  })

  it.each([
    [['--no-proxy', 'x'], '"--no-proxy" is not supported'],
    [['--containerd', '/c.sock'], '"--containerd" is not supported'],
    [['--live-restore=false'], '"--live-restore=false" is not supported'],
    [['-s', 'zfs'], '"--storage-driver=zfs" is not supported'],
  ])('does not ignore %j', async (argv, message) => {
    await expect(parse(...argv).then(options => daemonOptions(options, '/no/such'))).rejects.toMatchObject({
      status: 501,
      message: expect.stringContaining(message),
    })
  })

  it('refuses a switch that is neither on nor off', async () => {
    await expect(read('--iptables=maybe')).rejects.toThrow('invalid argument "maybe" for "--iptables"')
  })

  it('lets in every client with --tls, those of the authority with --tlsverify', async () => {
    const files = ['--tlscert', '/c', '--tlskey', '/k', '--tlscacert', '/a']
    expect((await read('--tls', ...files)).tls).toEqual({ cert: '/c', key: '/k' })
    expect((await read('--tlsverify', ...files)).tls).toEqual({ cert: '/c', key: '/k', ca: '/a' })
    await expect(loadTls({ cert: '/no/such', key: '/k' })).rejects.toThrow('Cannot read the TLS file /no/such')
  })
})

describe('holdPidFile()', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-pid-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('refuses while the process in it lives, replaces that of a dead one, and is gone afterwards', async () => {
    const path = join(directory, 'pid')
    await writeFile(path, '1\n')
    await expect(holdPidFile(path)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('Process 1'),
    })
    await writeFile(path, '999999999\n')
    const held = await holdPidFile(path)
    expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`)
    await held.release()
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
