import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createProxy, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../scripts/lib/command.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { type HostKey, readHostKey } from '../../../src/machine/ssh/host-key.ts'
import { KnownHosts, knownHostName } from '../../../src/machine/ssh/known-hosts.ts'
import type { Destination } from '../../../src/machine/ssh/pooled/login.ts'
import { PooledTransport } from '../../../src/machine/ssh/pooled/pooled-transport.ts'
import type { SystemDestination } from '../../../src/machine/ssh/system/ssh-program.ts'
import { SystemTransport } from '../../../src/machine/ssh/system/system-transport.ts'
import type { Transport } from '../../../src/machine/ssh/transport.ts'
import { startSshd, type TestSshd } from '../../support/sshd.ts'

const PORTS = { clock: systemClock, random: systemRandom }
const TIMEOUT = { timeoutMs: 30_000 }

let sshd: TestSshd

beforeAll(async () => {
  sshd = await startSshd()
})

afterAll(() => sshd.stop())

function destination(
  changes: Partial<Destination> = {},
  hostLines = `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ed25519}`,
): Destination {
  return {
    host: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    credentials: [{ label: sshd.keyPath, key: readFileSync(sshd.keyPath) }],
    hostKey: {
      name: knownHostName('127.0.0.1', sshd.port),
      knownHosts: new KnownHosts([hostLines]),
      pinned: [],
      acceptNew: false,
    },
    ...changes,
  }
}

function strange(): HostKey {
  const [, base64 = ''] = readFileSync(`${sshd.strangeKeyPath}.pub`, 'utf8').split(' ')
  const key = readHostKey(Buffer.from(base64, 'base64'))
  if (key === undefined) throw new Error('ssh-keygen made no key')
  return key
}

function hostKey(): HostKey {
  const key = readHostKey(Buffer.from(sshd.hostKeys.ed25519.split(' ')[1] ?? '', 'base64'))
  if (key === undefined) throw new Error('sshd has no key')
  return key
}

async function connected<T>(use: (transport: PooledTransport) => Promise<T>, to = destination()): Promise<T> {
  const transport = await PooledTransport.connect(to, PORTS, new AbortController().signal)
  try {
    return await use(transport)
  } finally {
    await transport.close()
  }
}

async function systemConnected<T>(
  use: (transport: Transport) => Promise<T>,
  changes: Partial<SystemDestination> = {},
): Promise<T> {
  const to = {
    host: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    keyPaths: [sshd.keyPath],
    jumps: [],
    pinned: [hostKey()],
    acceptNew: false,
    ...changes,
  }
  const transport = await SystemTransport.connect(to, { ...PORTS, env: process.env }, new AbortController().signal)
  try {
    return await use(transport)
  } finally {
    await transport.close()
  }
}

/** As a host does that loses its power. */
function endConnections(): void {
  for (const pid of sshd.connections()) process.kill(pid, 'SIGKILL')
}

const TRANSPORTS = [
  { name: 'ssh2', connected: <T>(use: (transport: Transport) => Promise<T>): Promise<T> => connected(use) },
  {
    name: "the machine's ssh",
    connected: <T>(use: (transport: Transport) => Promise<T>): Promise<T> => systemConnected(use),
  },
]

describe.each(TRANSPORTS)('a connection through $name', ({ connected }) => {
  it('passes words as they are', async () => {
    const words = ['printf', '%s|', 'a b', "it's", '$HOME `id` "x"', '', '*', '-n', 'ü\n2']
    const { stdout } = await connected(transport => transport.run(words, TIMEOUT))
    expect(stdout).toBe('a b|it\'s|$HOME `id` "x"||*|-n|ü\n2|')
  })

  it('gives code, both streams, and lines as they come', async () => {
    const lines: string[] = []
    const script = 'cat; echo low >&2; printf last; exit 7'
    const result = await connected(transport =>
      transport.run(['sh', '-c', script], { ...TIMEOUT, stdin: 'in\n', onLine: line => lines.push(line) }),
    )
    expect(result).toEqual({ code: 7, stdout: 'in\nlast', stderr: 'low\n' })
    expect(lines.toSorted()).toEqual(['in', 'last', 'low'])
  })

  it('tells a signal as shells do', async () => {
    const result = await connected(transport => transport.run(['sh', '-c', 'kill -9 $$'], TIMEOUT))
    expect(result.code).toBe(137)
  })

  it('reads a command that says much on its error stream', async () => {
    const result = await connected(transport =>
      transport.run(['sh', '-c', 'head -c 5000000 /dev/zero >&2; echo done'], TIMEOUT),
    )
    expect(result.stdout).toBe('done\n')
  })

  it('shares its channels among more commands than sshd takes at once', async () => {
    const codes = await connected(transport =>
      Promise.all(Array.from({ length: 30 }, (_, index) => transport.run(['sh', '-c', `exit ${index}`], TIMEOUT))),
    )
    expect(codes.map(({ code }) => code)).toEqual(Array.from({ length: 30 }, (_, index) => index))
  })

  it('reaches a socket on the host', async () => {
    const path = join(sshd.directory, 'api.sock')
    const server = createServer((_request, response) => response.end('pong'))
    await new Promise<void>(resolve => server.listen(path, resolve))
    try {
      const answer = await connected(async transport => {
        const socket = await transport.dialSocket(path)
        socket.write('GET / HTTP/1.0\r\n\r\n')
        return (await socket.toArray()).join('')
      })
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*pong$/)
    } finally {
      server.close()
    }
  })

  it('ends a command that takes too long, and what is cancelled', async () => {
    await connected(async transport => {
      await expect(transport.run(['sleep', '60'], { timeoutMs: 200 })).rejects.toMatchObject({ code: 'REMOTE_TIMEOUT' })
      const cancel = new AbortController()
      const running = transport.run(['sleep', '60'], { ...TIMEOUT, signal: cancel.signal })
      cancel.abort(new Error('enough'))
      await expect(running).rejects.toThrow('enough')
    })
  })

  it('tells everybody who waits when it is lost', async () => {
    await connected(async transport => {
      const waiting = transport.run(['sh', '-c', 'echo begun; sleep 60'], { ...TIMEOUT, onLine: endConnections })
      await expect(waiting).rejects.toMatchObject({ code: 'SSH_LOST' })
    })
  })
})

it('hangs up on a host that does not say goodbye', async () => {
  const clock = new ManualClock()
  const proxy = createProxy({ allowHalfOpen: true })
  const ours = once(proxy, 'connection')
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const theirs = connect(sshd.port, '127.0.0.1')
  const connecting = PooledTransport.connect({ ...destination(), port }, { clock }, new AbortController().signal)
  const [socket] = (await ours) as [Socket]
  socket.pipe(theirs, { end: false }).pipe(socket, { end: false })
  const transport = await connecting
  try {
    const said = once(socket, 'end')
    await transport.close()
    await said
    await clock.advance(3_000)
    const reset = once(socket, 'error')
    await until('the connection to be reset', async () => {
      if (!socket.destroyed) socket.write('still there')
      return socket.destroyed ? true : undefined
    })
    expect((await reset)[0]).toMatchObject({ syscall: expect.stringMatching(/^(?:read|write)$/) })
  } finally {
    socket.destroy()
    theirs.destroy()
    proxy.close()
  }
})

it('waits where sshd takes fewer commands than we may have, and says so where it takes none', async () => {
  for (const [most, expected] of [
    [2, 'done'],
    [0, 'raise MaxSessions'],
  ] as const) {
    const narrow = await startSshd([`MaxSessions ${most}`])
    try {
      const to = destination({
        port: narrow.port,
        credentials: [{ label: narrow.keyPath, key: readFileSync(narrow.keyPath) }],
        hostKey: { name: 'narrow', knownHosts: new KnownHosts([]), pinned: [], acceptNew: true },
      })
      const run = (transport: Transport): Promise<string> =>
        transport.run(['echo', 'done'], TIMEOUT).then(
          ({ stdout }) => stdout,
          (error: unknown) => String(error),
        )
      const said = await connected(transport => Promise.all(Array.from({ length: 6 }, () => run(transport))), to)
      for (const each of said) expect(each).toContain(expected)
    } finally {
      await narrow.stop()
    }
  }
})

describe('a host that is not trusted', () => {
  it('is refused when nothing is known of it, with the fingerprint to compare', async () => {
    const connecting = connected(async () => {}, destination({}, ''))
    await expect(connecting).rejects.toMatchObject({
      code: 'SSH_HOST_KEY',
      message: expect.stringMatching(/SHA256:.*--host-key SHA256:/),
    })
  })

  it('is refused when it shows another key than before, without a login', async () => {
    const before = sshd.log()
    const line = `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ecdsa.replace('ecdsa-sha2-nistp256', 'ssh-ed25519')}`
    expect(new KnownHosts([line]).typesOf(`[127.0.0.1]:${sshd.port}`)).toEqual([])
    const other = readFileSync(`${sshd.strangeKeyPath}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
    const connecting = connected(async () => {}, destination({}, `[127.0.0.1]:${sshd.port} ${other}`))
    await expect(connecting).rejects.toMatchObject({
      code: 'SSH_HOST_KEY',
      message: expect.stringContaining('ssh-keygen -R'),
    })
    expect(sshd.log().slice(before.length)).not.toMatch(/Accepted/)
  })

  it('is known by a key of another type than the one sshd prefers', async () => {
    const result = await connected(
      transport => transport.run(['true'], TIMEOUT),
      destination({}, `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ecdsa}`),
    )
    expect(result.code).toBe(0)
  })

  it('is pinned when it may be new, and held to that', async () => {
    const pins: HostKey[] = []
    const open = destination({}, '')
    await connected(async () => {}, {
      ...open,
      hostKey: { ...open.hostKey, acceptNew: true },
      onPin: pin => pins.push(pin),
    })
    expect(pins.map(({ type }) => type)).toEqual(['ssh-ed25519'])
    await connected(async () => {}, { ...open, hostKey: { ...open.hostKey, pinned: pins } })
    const wrong = { ...open, hostKey: { ...open.hostKey, pinned: [strange()], acceptNew: true } }
    await expect(connected(async () => {}, wrong)).rejects.toMatchObject({ code: 'SSH_HOST_KEY' })
  })
})

describe('a login that fails', () => {
  it('says which keys were offered, after one attempt with each', async () => {
    const before = sshd.log()
    const wrong = [{ label: sshd.strangeKeyPath, key: readFileSync(sshd.strangeKeyPath) }]
    const connecting = connected(async () => {}, destination({ credentials: wrong }))
    await expect(connecting).rejects.toMatchObject({
      code: 'SSH_AUTH',
      message: expect.stringContaining(sshd.strangeKeyPath),
    })
    expect(
      sshd
        .log()
        .slice(before.length)
        .match(/Connection from/g),
    ).toHaveLength(1)
  })

  it('names a port where nothing listens, and one where no sshd does', async () => {
    await expect(connected(async () => {}, destination({ port: 1 }))).rejects.toMatchObject({ code: 'SSH_UNREACHABLE' })
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    try {
      await expect(connected(async () => {}, destination({ port }))).rejects.toMatchObject({
        code: expect.stringMatching(/^SSH_/),
        message: expect.stringContaining(String(port)),
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('names a key that cannot be read', async () => {
    const broken = [
      { label: '~/.ssh/broken', key: Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n') },
    ]
    await expect(connected(async () => {}, destination({ credentials: broken }))).rejects.toMatchObject({
      code: 'SSH_BAD_KEY',
      message: expect.stringContaining('~/.ssh/broken'),
    })
  })
})

describe("what the machine's ssh says", () => {
  it.each([
    ['a key that is not authorized', () => ({ keyPaths: [sshd.strangeKeyPath] }), 'SSH_AUTH'],
    ['a host key that is another', () => ({ pinned: [strange()] }), 'SSH_HOST_KEY'],
    ['a port where nothing listens', () => ({ port: 1 }), 'SSH_UNREACHABLE'],
    ['a name that nobody knows', () => ({ host: 'nosuch.invalid' }), 'SSH_UNREACHABLE'],
  ])('is told as ours for %s', async (_what, changes, code) => {
    await expect(systemConnected(async () => {}, changes())).rejects.toMatchObject({ code })
  })

  it('is not taken for the 255 of a command', async () => {
    const result = await systemConnected(transport => transport.run(['sh', '-c', 'echo mine >&2; exit 255'], TIMEOUT))
    expect(result).toMatchObject({ code: 255, stderr: 'mine\n' })
  })
})
