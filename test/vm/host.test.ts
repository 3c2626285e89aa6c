import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { buildImage } from '../../src/machine/drivers/qemu/image/build-image.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { dockerPlain } from '../support/docker-cli.ts'
import { type Ended, type MachineCli, machineCli } from '../support/machine-cli.ts'
import { BARE } from './bare-image.ts'
import { PackageMirror } from './package-mirror.ts'
import { VmStore } from './support.ts'

/**
 * A Debian as a hosting provider hands it out, with its own systemd, packages, packet filter and clock, prepared over SSH by nothing but
 * the command line. Only its provider knows that it is a virtual machine.
 */

const BRIDGE = 'sh-vmh'
const SUBNET = '10.231.22'
const ADDRESS = `${SUBNET}.11`
/** Everything is emulated, on a machine that may have much else to do. */
const STEP_MS_MAX = 600_000

let provider: VmStore
let mirror: PackageMirror
let machine: MachineCli
let store: string

/** What a script says that root runs on the host, past all that is tested. */
const onHost = (script: string): Promise<string> => provider.tell('host', 'sudo', 'sh', '-c', script)

function create(flags: readonly string[] = [], hear?: (said: string) => void): Promise<Ended> {
  const login = ['--host', `admin@${ADDRESS}`, '--generic-ssh-key', join(provider.store.folderOf('host'), 'id_ed25519')]
  return machine(['create', ...login, '--accept-new', '--yes', ...flags, 'n1'], '', hear)
}

/** What docker prints that is told by the machine where the engine is. Fails with what it says. */
async function docker(...argv: readonly string[]): Promise<string> {
  const { stdout: text } = await machine(['env', '--shell', 'sh', 'n1'])
  const variables = [...text.matchAll(/export (\w+)="(.*)"/g)].map(([, name = '', value = '']) => [name, value])
  const environment = Object.fromEntries(variables)
  const { code, stdout, stderr } = await dockerPlain(argv, { environment, timeoutMs: STEP_MS_MAX })
  if (code !== 0) throw new Error(`docker ${argv.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim()
}

const page = (): Promise<string> => command(['curl', '-sS', '--max-time', '10', `http://${ADDRESS}:8080/`])

beforeAll(async () => {
  provider = new VmStore()
  await command(['ip', 'link', 'add', BRIDGE, 'type', 'bridge'])
  await command(['ip', 'address', 'add', `${SUBNET}.1/24`, 'dev', BRIDGE])
  await command(['ip', 'link', 'set', BRIDGE, 'up'])
  const packages = ['runc', 'conmon', 'nftables', 'golang-github-containers-common', 'openssl', 'libatomic1']
  mirror = await PackageMirror.open([...packages, 'docker.io', 'tini'], `${SUBNET}.1`)
  const recipe = { contents: BARE, suite: 'bookworm', mirror: '', packages: [] }
  const image = await buildImage(recipe, provider.ports('host'), new AbortController().signal)
  await provider.create('host', {
    'qemu-image': dirname(image.disk),
    'qemu-network': 'bridge',
    'qemu-bridge': BRIDGE,
    'qemu-address': `${ADDRESS}/24`,
    'qemu-ssh-user': 'admin',
    'qemu-memory': '1024',
  })
  await onHost(`echo '${mirror.source}' > /etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*
    ufw allow 22/tcp && ufw --force enable`)
  store = join(provider.directory, 'person')
  mkdirSync(store)
  machine = machineCli(store, STEP_MS_MAX)
})

afterAll(async () => {
  await provider.end()
  await mirror.close()
  await command(['ip', 'link', 'delete', BRIDGE])
})

describe('a bare host', () => {
  it('is refused while its clock is off, with what to do about it', async () => {
    await onHost("date -s '10 minutes ago'")
    const { code, stderr } = await create()
    expect([code, stderr]).toEqual([3, expect.stringMatching(/Its clock is \d+ s behind.*timedatectl set-ntp true/)])
    expect(await onHost('ls -d /opt/shoal /etc/shoal 2> /dev/null || true')).toBe('')
    await onHost(`date -s @${Math.round(Date.now() / 1_000)}`)
  })

  it('becomes a machine as soon as whoever installs packages there has ended', async () => {
    const letGo = mirror.holdBack()
    const other = onHost('apt-get -q update && apt-get -q -y install tini')
    await until('the lock to be held', async () =>
      (await onHost('pgrep -f "[i]nstall tini" > /dev/null && echo held || true')) === 'held' ? true : undefined,
    )
    const said: string[] = []
    const created = create(['--engine-label', 'site=lab'], line => {
      said.push(line)
      if (line.includes('holds /var/lib/dpkg/lock')) letGo()
    })
    const { code, stderr } = await created
    letGo()
    expect([code, stderr]).toEqual([0, expect.stringContaining('Ready')])
    expect(said.join('')).toMatch(/process \d+ holds \/var\/lib\/dpkg\/lock/)
    await other
    expect(await onHost('systemctl is-active shoal-agent; systemctl is-enabled shoal-agent')).toBe('active\nenabled')
    expect(await onHost('ufw status')).toMatch(/2376\/tcp +ALLOW +Anywhere +# shoal/)
  })

  it('runs containers by way of its port, which its packet filter lets in', async () => {
    const archive = join(provider.directory, 'image.tar')
    writeFileSync(archive, await busyboxArchive())
    await docker('load', '-i', archive)
    const serve = 'mkdir /w; echo hello > /w/index.html; exec httpd -f -p 8080 -h /w'
    await docker(
      'run',
      '-d',
      '--restart',
      'always',
      '--name',
      'web',
      '-p',
      '8080:8080',
      'busybox:test',
      'sh',
      '-c',
      serve,
    )
    expect(await until('the page', page)).toBe('hello\n')
    expect(await docker('info', '--format', '{{.Labels}}')).toContain('site=lab')
  })

  it('is left alone when it is as it should be', async () => {
    const state = 'cat /run/shoal-machine/agent.runs; systemctl show -p InvocationID shoal-agent; ufw status | cksum'
    const before = await onHost(state)
    const { code, stderr } = await machine(['provision', 'n1'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('nothing was to be done')])
    expect(await onHost(state)).toBe(before)
  })

  it('comes back with its engine and its containers when it was turned off', async () => {
    await provider.work('host', 'stop')
    // systemd found nobody whom it had to wait for.
    expect(readFileSync(join(provider.store.folderOf('host'), 'console.log'), 'utf8')).not.toContain(
      'Waiting for process',
    )
    await provider.work('host', 'start')
    expect(await until('the page', page, { timeoutMs: STEP_MS_MAX })).toBe('hello\n')
    expect(await docker('ps', '--format', '{{.Names}}')).toBe('web')
  })

  it('is as bare as before when it is removed, but for packages', async () => {
    expect(await machine(['rm', '-y', '--data', 'n1'])).toMatchObject({ code: 0 })
    const places = '/opt/shoal /etc/shoal /var/lib/shoal /var/lib/shoal-machine /etc/sysctl.d/60-shoal.conf'
    expect(await onHost(`ls -d ${places} /etc/systemd/system/shoal-agent.service 2> /dev/null || true`)).toBe('')
    expect(await onHost('ufw status')).not.toContain('shoal')
    const made = 'systemctl list-unit-files --no-legend "shoal*" || true; nft list tables; ip -o link'
    expect(await onHost(made)).not.toContain('shoal')
    expect(await onHost('pgrep -a "conmon|httpd|runc" || true')).toBe('')
    expect(await onHost('command -v runc')).toBe('/usr/sbin/runc')
  })
})

describe('a bare host with --engine docker', () => {
  const CONFIG = '{\n\t"debug":  false,\n\t"labels": ["theirs=1"]\n}\n'
  const config = (): Promise<string> => onHost('cat /etc/docker/daemon.json; echo .')
  /** Of the service's process: another one after a restart. */
  const pid = (): Promise<string> => onHost('systemctl show -P MainPID docker')
  /** Docker tells them in any order. */
  const labels = async (): Promise<readonly string[]> =>
    (JSON.parse(await onHost("docker info --format '{{json .Labels}}'")) as string[]).toSorted()

  it("gets the distribution's Docker, with what its configuration has already", async () => {
    await onHost(`mkdir -p /etc/docker && printf %s '${CONFIG}' > /etc/docker/daemon.json`)
    const { code, stderr } = await create(['--engine', 'docker', '--engine-label', 'site=lab'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/verify: Docker [\d.]+\S* answers/)])
    expect(await onHost('systemctl is-active docker; systemctl is-enabled docker')).toBe('active\nenabled')
    expect(await labels()).toEqual(['site=lab', 'theirs=1'])
    expect(await onHost('ls -d /opt/shoal /etc/systemd/system/shoal-* 2> /dev/null || true')).toBe('')
  })

  it('takes other labels without starting anew, and nothing where nothing is to be done', async () => {
    const before = await pid()
    expect(await create(['--engine-label', 'site=other'])).toMatchObject({ code: 0 })
    await until('Docker to have taken it', async () => ((await labels()).includes('site=other') ? true : undefined))
    expect(await labels()).toEqual(['site=other', 'theirs=1'])
    expect((await machine(['provision', 'n1'])).stderr).toContain('nothing was to be done')
    expect(await pid()).toBe(before)
  })

  it('keeps its Docker when it is removed, and its configuration to the last sign', async () => {
    const before = await pid()
    expect(await machine(['rm', '-y', 'n1'])).toMatchObject({ code: 0 })
    expect(await config()).toBe(`${CONFIG}.`)
    expect(await onHost('ls -d /etc/shoal /var/lib/shoal-machine 2> /dev/null || true')).toBe('')
    expect(await pid()).toBe(before)
  })
})
