import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CommandContext, type Options, runProgram } from '../../src/cli/index.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { ENGINE_FLAGS, readEngineFlags } from '../../src/main/engine-flags.ts'
import { holdPidFile } from '../../src/main/pid-file.ts'
import { loadTls } from '../../src/main/tls-flags.ts'

/** Parses as the program does; returns what `engine` would get. */
async function parse(...argv: string[]): Promise<Options> {
  let seen: Options | undefined
  const stderr = new PassThrough()
  const context: CommandContext = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    env: {},
    cwd: '/',
    clock: new ManualClock(),
    random: seededRandom(1),
    signal: new AbortController().signal,
  }
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
    [['--iptables', 'true'], true],
    [['--iptables'], true],
    [['--iptables=0'], false],
  ])('reads %j', async (argv, manageFirewall) => {
    expect((await read(...argv)).engine.manageFirewall).toBe(manageFirewall)
  })

  it.each([
    [['--iptables=maybe'], 'Cannot use --iptables "maybe"'],
    [['--mtu', '10'], 'Cannot use --mtu 10: expected 68 to 65535'],
    [['--bip', '10.0.0.1/99'], 'Cannot read subnet'],
    [['--bridge', 'a-name-that-is-too-long'], 'Cannot use --bridge'],
    [['--label', 'novalue'], 'Cannot use --label "novalue": expected key=value'],
    [['--data-root', 'relative'], 'expected an absolute one'],
    [['--tls'], '--tlscert and --tlskey must be provided when using --tls'],
    [['--tlscert', '/c'], 'require the use of either --tls or --tlsverify'],
    [['--tlsverify', '--tlscert', '/c', '--tlskey', '/k'], '--tlscacert must be provided when using --tlsverify'],
  ])('refuses %j', async (argv, message) => {
    await expect(read(...argv)).rejects.toMatchObject({ status: 400, message: expect.stringContaining(message) })
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
