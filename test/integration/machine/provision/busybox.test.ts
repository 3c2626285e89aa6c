import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/core/clock.ts'
import { systemRandom } from '../../../../src/core/random.ts'
import { cleanHost, PLAIN_ENGINE, provisionHost, upgradeHost } from '../../../../src/machine/index.ts'
import { FACTS_SCRIPT } from '../../../../src/machine/provision/facts/facts-script.ts'
import { type HostFacts, parseFacts } from '../../../../src/machine/provision/facts/host-facts.ts'
import type { ProvisionOptions, ProvisionRequest } from '../../../../src/machine/provision/provision-options.ts'
import {
  LACKING_PACKAGES,
  REMOVE_PACKAGES,
  RUN_COMMAND,
} from '../../../../src/machine/provision/scripts/package-scripts.ts'
import type { RemoteResult } from '../../../../src/machine/ssh/transport.ts'
import { writeDurably } from '../../../../src/runtime/linux/files/durable-file.ts'
import { BusyboxHost } from '../../../support/busybox-host.ts'
import { stubBundle } from './stub-bundle.ts'

let host: BusyboxHost

beforeAll(async () => {
  host = await BusyboxHost.open({ bridge: 'sh-prb', subnet: '10.231.6' })
})

afterAll(() => host.remove())

const signal = new AbortController().signal
const heard: string[] = []
const options: ProvisionOptions = { signal, onEvent: ({ step, message }) => heard.push(`${step}: ${message}`) }

async function request(version?: string): Promise<ProvisionRequest> {
  const { address } = host
  return {
    machine: {
      name: 'b1',
      driver: 'generic',
      settings: {},
      certificateNames: [],
      createdAtMs: 0,
      engine: PLAIN_ENGINE,
    },
    address,
    url: `tcp://${address}:2376`,
    target: { host: address, port: 22, user: 'root' },
    bundle: await stubBundle(version),
    connect: async () => host,
  }
}

const ports = () => ({
  clock: systemClock,
  random: systemRandom,
  store: { folderOf: () => join(host.root, 'tmp') },
  files: { writeDurably },
})

const script = (text: string, ...words: readonly string[]): Promise<RemoteResult> =>
  host.run(['sh', '-c', text, 'shoal', ...words], { timeoutMs: 60_000 })

async function look(shell = 'sh'): Promise<HostFacts> {
  const words = ['--programs', 'tar', 'runc', 'etcd', 'no-such-program', '--files', '/etc/os-release']
  const { stdout } = await host.run([shell, '-c', FACTS_SCRIPT, 'shoal', ...words], { timeoutMs: 60_000 })
  return parseFacts(stdout, { fromS: 0, toS: 0 })
}

const daemons = (): number[] => host.pids(/bin\/shoal engine/)
const found = (): Promise<string> =>
  host.sh('ls -d /opt/shoal /etc/shoal /etc/init.d/shoal-agent /etc/sysctl.d/60-shoal.conf 2>/dev/null || true')

/** Of those that may stand behind /bin/sh; others than Debian's where they are installed. */
const SHELLS = ['busybox', 'dash', 'bash', 'mksh', 'yash'].filter(name => existsSync(`/bin/${name}`))

describe.each(SHELLS)('a host of busybox with the shell of %s', shell => {
  beforeAll(() => host.useShell(`/bin/${shell}`))

  it('says what it is', async () => {
    const { os, libc, cgroup, init, missing, diskFree, image, files } = await look()
    expect({ id: os['ID'], init, image }).toEqual({ id: 'small', init: 'none', image: undefined })
    expect(libc).toMatch(/^glibc 2\.\d+$/)
    expect(cgroup).toMatch(/^(?:cgroup2|tmpfs)$/)
    expect([...missing].toSorted()).toEqual(['etcd', 'no-such-program'])
    expect(diskFree['/var/lib']).toBeGreaterThan(0)
    expect(files.get('/etc/os-release')).toMatch(/^[0-9a-f]{64}$/)
  })

  it('tells a system that is an image, and one of musl', async () => {
    await host.sh('mount -o remount,bind,ro /')
    expect((await look()).image).toBe('/')
    await host.sh('mount -o remount,bind,rw /; : > /run/ostree-booted')
    expect((await look()).image).toBe('ostree')
    await host.sh('rm /run/ostree-booted; mount -t tmpfs tmpfs /usr/lib64; : > /usr/lib/ld-musl-x86_64.so.1')
    // Programs of a shell that needs glibc cannot be started meanwhile, and busybox can.
    const { libc } = await look('/bin/ash')
    await host.run(['/bin/ash', '-c', 'umount /usr/lib64; rm /usr/lib/ld-musl-x86_64.so.1'], { timeoutMs: 10_000 })
    expect(libc).toBe('musl')
  })

  it('removes what a run installed, and asks the database of its own distribution', async () => {
    await host.sh(`cat > /usr/bin/pacman <<'END'
#!/bin/sh
case $1 in
  -Q) [ "$2" = conmon ] || [ "$2" = runc ] ;;
  *) echo "$*" >> /tmp/asked ;;
esac
END
# Somebody else's, which knows nothing of what is installed.
printf '#!/bin/sh\nexit 1\n' > /usr/bin/dpkg-query
printf '#!/bin/sh\nexit 103\n' > /usr/bin/zypper
chmod 755 /usr/bin/pacman /usr/bin/dpkg-query /usr/bin/zypper`)
    expect(await script(LACKING_PACKAGES, 'pacman', 'runc', 'nftables', 'conmon')).toMatchObject({
      stdout: 'nftables\n',
    })
    const remove = ['3', 'pacman', '-R', '--noconfirm']
    expect(await script(REMOVE_PACKAGES, 'pacman', ...remove, 'nftables', 'runc', 'conmon')).toMatchObject({ code: 0 })
    expect(await script(REMOVE_PACKAGES, 'pacman', ...remove, 'nftables')).toMatchObject({ code: 0 })
    expect(await host.sh('cat /tmp/asked; rm /tmp/asked')).toBe('-R --noconfirm runc conmon\n')
    expect(await script(RUN_COMMAND, 'zypper', '--non-interactive', 'install', 'runc')).toMatchObject({ code: 0 })
    expect(await script(RUN_COMMAND, 'sh', '-c', 'exit 103')).toMatchObject({ code: 103 })
    await host.sh('rm /usr/bin/pacman /usr/bin/dpkg-query /usr/bin/zypper')
  })

  it('takes back what a run changed that failed', async () => {
    await host.sh('rm -r /etc/sysctl.d; ln -s /nosuch/folder /etc/sysctl.d')
    const result = await provisionHost(await request(), { ...options, rollback: true }, ports())
    await host.sh('rm /etc/sysctl.d; mkdir /etc/sysctl.d')
    expect(result).toMatchObject({ ok: false, failed: { step: 'network' } })
    expect(await found()).toBe('')
    expect(host.pids(/supervise run/)).toEqual([])
  })

  it('is provisioned, and once only', async () => {
    const result = await provisionHost(await request(), options, ports())
    expect(result.failed?.error.message).toBeUndefined()
    expect(result.changed).toEqual(expect.arrayContaining(['engine', 'agent', 'network']))
    expect(daemons()).toHaveLength(1)
    expect(await provisionHost(await request(), options, ports())).toMatchObject({ ok: true, changed: [] })
  })

  it('has the daemon again that died', async () => {
    const [daemon] = daemons()
    if (daemon === undefined) throw new Error('No daemon runs')
    process.kill(daemon, 'SIGKILL')
    await expect.poll(() => daemons().filter(pid => pid !== daemon), { timeout: 60_000 }).toHaveLength(1)
  })

  it('is upgraded, and is clean in the end', async () => {
    const upgraded = await upgradeHost(await request('0.2.0'), { ...options, drain: true }, ports())
    expect(upgraded).toMatchObject({ ok: true, changed: ['engine', 'agent'] })
    expect(await cleanHost(await request('0.2.0'), { ...options, data: true }, ports())).toMatchObject({ ok: true })
    expect(await found()).toBe('')
    expect(host.pids(/supervise|bin\/shoal/)).toEqual([])
  })
})

describe('a host of OpenRC', () => {
  beforeAll(async () => {
    host.useShell('/bin/busybox')
    await host.addOpenrc()
  })

  const runlevel = (): Promise<string> => host.sh('ls /etc/runlevels/default')
  const status = (): Promise<string> => host.sh('rc-service shoal-agent status || true')

  it('starts the service, has it in its runlevel, and knows that it runs', async () => {
    expect(await provisionHost(await request(), options, ports())).toMatchObject({ ok: true })
    expect((await look()).init).toBe('openrc')
    expect(await runlevel()).toBe('shoal-agent\n')
    expect(await host.sh('ls /run/openrc/started')).toBe('shoal-agent\n')
    expect(await status()).toBe('shoal-agent runs\n')
    expect(daemons()).toHaveLength(1)
    expect(await provisionHost(await request(), options, ports())).toMatchObject({ ok: true, changed: [] })
  })

  it('has the daemon again that died, and stops and starts it as it is told to', async () => {
    const [daemon] = daemons()
    if (daemon === undefined) throw new Error('No daemon runs')
    process.kill(daemon, 'SIGKILL')
    await expect.poll(() => daemons().filter(pid => pid !== daemon), { timeout: 60_000 }).toHaveLength(1)
    await host.sh('rc-service shoal-agent stop')
    expect(daemons()).toEqual([])
    expect(await status()).toBe('shoal-agent does not run\n')
    await host.sh('rc-service shoal-agent start')
    await expect.poll(daemons, { timeout: 60_000 }).toHaveLength(1)
  })

  it('is without the service in the end', async () => {
    expect(await cleanHost(await request(), { ...options, data: true }, ports())).toMatchObject({ ok: true })
    expect(await found()).toBe('')
    expect(await runlevel()).toBe('')
    expect(await host.sh('ls /run/openrc/started')).toBe('')
    expect(host.pids(/supervise|bin\/shoal/)).toEqual([])
  })
})
