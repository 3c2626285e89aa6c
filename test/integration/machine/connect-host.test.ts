import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { connectHost, type HostRequest } from '../../../src/machine/ssh/connect-host.ts'
import { fingerprint, type HostKey, readHostKey } from '../../../src/machine/ssh/host-key.ts'
import { PooledTransport } from '../../../src/machine/ssh/pooled/pooled-transport.ts'
import { SystemTransport } from '../../../src/machine/ssh/system/system-transport.ts'
import type { Transport } from '../../../src/machine/ssh/transport.ts'
import { startSshd, type TestSshd } from '../../support/sshd.ts'

let inner: TestSshd
let outer: TestSshd
let agentPid = ''
let agentSocket = ''

beforeAll(async () => {
  inner = await startSshd()
  outer = await startSshd()
  agentSocket = join(outer.directory, 'agent')
  const started = execFileSync('ssh-agent', ['-s', '-a', agentSocket], { encoding: 'utf8' })
  agentPid = /SSH_AGENT_PID=(\d+)/.exec(started)?.[1] ?? ''
  execFileSync('ssh-add', ['-q', inner.keyPath], {
    env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
    stdio: 'ignore',
  })
  const known = [inner, outer].map(({ port, hostKeys }) => `[127.0.0.1]:${port} ${hostKeys.ed25519}\n`).join('')
  writeFileSync(join(outer.directory, 'known'), known)
})

afterAll(async () => {
  process.kill(Number(agentPid))
  await inner.stop()
  await outer.stop()
})

const hostLines = (alias: string, sshd: TestSshd, more: readonly string[] = []): string =>
  [
    `Host ${alias}`,
    'HostName 127.0.0.1',
    `Port ${sshd.port}`,
    `UserKnownHostsFile ${join(outer.directory, 'known')}`,
    ...more,
  ].join('\n  ')

function proxyTo({ port }: TestSshd): string {
  return `ProxyCommand bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3 & trap "kill $!" EXIT; cat >&3'`
}

function fingerprintsOf({ hostKeys }: TestSshd): string[] {
  const key = readHostKey(Buffer.from(hostKeys.ed25519.split(' ')[1] ?? '', 'base64'))
  return key === undefined ? [] : [fingerprint(key)]
}

async function on(
  request: Partial<HostRequest>,
  config: string,
  use: (transport: Transport) => Promise<void>,
  env: Readonly<Record<string, string | undefined>> = { PATH: process.env['PATH'] },
): Promise<void> {
  const configFile = join(outer.directory, 'ssh-config')
  writeFileSync(configFile, `${config}\n`)
  const transport = await connectHost(
    { host: 'box', pinned: [], acceptNew: false, ...request },
    { clock: systemClock, random: systemRandom, env, configFile },
    new AbortController().signal,
  )
  try {
    await use(transport)
  } finally {
    await transport.close()
  }
}

async function greets(transport: Transport): Promise<void> {
  const { stdout } = await transport.run(['sh', '-c', 'id -un; echo $SSH_CONNECTION'], { timeoutMs: 30_000 })
  expect(stdout).toMatch(/^root\n127\.0\.0\.1 /)
}

describe('connecting as the ssh of the person would', () => {
  it('takes name, port, key and known hosts from its configuration', async () => {
    await on({}, hostLines('box', inner, [`IdentityFile ${inner.keyPath}`]), async transport => {
      expect(transport).toBeInstanceOf(PooledTransport)
      await greets(transport)
    })
  })

  it('offers what the agent has', async () => {
    const env = { PATH: process.env['PATH'], SSH_AUTH_SOCK: agentSocket }
    await on({}, hostLines('box', inner, ['IdentityFile /nosuch']), greets, env)
  })

  it('goes through a jump host, each with its own key and host key', async () => {
    const before = outer.log()
    const config = [
      hostLines('box', inner, [`IdentityFile ${inner.keyPath}`, 'ProxyJump gate']),
      hostLines('gate', outer, [`IdentityFile ${outer.keyPath}`]),
    ].join('\n')
    await on({}, config, greets)
    expect(outer.log().slice(before.length)).toMatch(/Accepted publickey/)
    // What the jump host was kept for has ended.
    await expect.poll(() => outer.connections().length, { timeout: 30_000 }).toBe(0)
  })

  it('leaves what only OpenSSH can do to the ssh of this machine', async () => {
    const lines = [`IdentityFile ${inner.keyPath}`, proxyTo(inner)]
    await on({}, hostLines('box', inner, lines), async transport => {
      expect(transport).toBeInstanceOf(SystemTransport)
      await greets(transport)
    })
  })

  it('holds the ssh of this machine to the key that the person named, and tells which to pin', async () => {
    const pinned: string[] = []
    const lines = [`IdentityFile ${inner.keyPath}`, proxyTo(inner)]
    const config = hostLines('box', inner, lines).replace(/known$/m, 'nosuch')
    const onPin = (key: HostKey): void => void pinned.push(fingerprint(key))
    const [expectedKey = ''] = fingerprintsOf(inner)
    await on({ expectedKey, onPin }, config, greets)
    expect(pinned).toEqual([expectedKey])
    const before = inner.log()
    const [wrong = ''] = fingerprintsOf(outer)
    await expect(on({ expectedKey: wrong, onPin }, config, greets)).rejects.toMatchObject({ code: 'SSH_HOST_KEY' })
    expect(inner.log().slice(before.length)).not.toContain('Accepted')
    expect(pinned).toEqual([expectedKey])
  })

  it('pins through the ssh of this machine what known_hosts knows, and no host of which nothing is known', async () => {
    const pinned: string[] = []
    const onPin = (key: HostKey): void => void pinned.push(fingerprint(key))
    const config = hostLines('box', inner, [`IdentityFile ${inner.keyPath}`, proxyTo(inner)])
    await on({ onPin }, config, greets)
    expect(pinned).toEqual(fingerprintsOf(inner))
    const unknown = config.replace(/known$/m, 'nosuch')
    await expect(on({ onPin }, unknown, greets)).rejects.toMatchObject({ code: 'SSH_HOST_KEY' })
  })

  it('pins nothing of a host that does not let us in', async () => {
    const pinned: HostKey[] = []
    const config = hostLines('box', inner, [`IdentityFile ${inner.strangeKeyPath}`])
    const request = { onPin: (key: HostKey): void => void pinned.push(key) }
    await expect(on(request, config, greets)).rejects.toMatchObject({ code: 'SSH_AUTH' })
    expect(pinned).toEqual([])
  })

  it('offers a jump host its own keys, and leaves one that only OpenSSH can reach to the ssh of this machine', async () => {
    const behind = hostLines('box', inner, ['ProxyJump gate'])
    const gate = [behind, hostLines('gate', outer, [`IdentityFile ${outer.keyPath}`])].join('\n')
    await on({ keyPath: inner.keyPath }, gate, async transport => {
      expect(transport).toBeInstanceOf(PooledTransport)
      await greets(transport)
    })
    const piped = [
      hostLines('box', inner, [`IdentityFile ${inner.keyPath}`]),
      hostLines('gate', outer, [`IdentityFile ${outer.keyPath}`, proxyTo(outer)]),
    ].join('\n')
    await on({}, piped.replace('Host box', 'Host box\n  ProxyJump gate'), async transport => {
      expect(transport).toBeInstanceOf(SystemTransport)
      await greets(transport)
    })
  })

  it('passes over a key that a passphrase protects, and names it if no other one fits', async () => {
    const locked = join(outer.directory, 'locked')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', locked])
    const withKeys = (...keys: readonly string[]): string =>
      hostLines(
        'box',
        inner,
        keys.map(key => `IdentityFile ${key}`),
      )
    await on({}, withKeys(locked, inner.keyPath), greets)
    await expect(on({}, withKeys(locked, inner.strangeKeyPath), greets)).rejects.toMatchObject({
      code: 'SSH_AUTH',
      message: expect.stringContaining(`passed over were ${locked}`),
    })
    await expect(on({}, withKeys(locked), greets)).rejects.toMatchObject({ code: 'SSH_BAD_KEY' })
  })

  it.each([
    ['an unknown host key', () => ({ config: hostLines('box', inner).replace(/known$/, 'nosuch') }), 'SSH_HOST_KEY'],
    ['no key at all', () => ({ config: hostLines('box', inner, ['IdentityFile /nosuch']) }), 'SSH_AUTH'],
    ['a key file that is not there', () => ({ config: hostLines('box', inner), keyPath: '/nosuch/id' }), 'SSH_BAD_KEY'],
    ['a configuration that cannot be read', () => ({ config: 'Nonsense yes' }), 'SSH_FAILED'],
    [
      'a jump host that is no name',
      () => ({ config: hostLines('box', inner), jumps: ['-oProxyCommand=x'] }),
      'BAD_JUMP',
    ],
    [
      'too many jump hosts',
      () => ({ config: hostLines('box', inner), jumps: Array.from({ length: 9 }, () => 'box') }),
      'BAD_JUMP',
    ],
  ])('says what is wrong: %s', async (_what, make, code) => {
    const { config, ...request } = make()
    await expect(on(request, config, async () => {})).rejects.toMatchObject({ code })
  })
})
