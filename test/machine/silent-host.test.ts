import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import ssh2, { type Connection, type ServerChannel, type Session } from 'ssh2'
import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { KnownHosts } from '../../src/machine/ssh/known-hosts.ts'
import { PooledTransport } from '../../src/machine/ssh/pooled/pooled-transport.ts'

const HOST_KEY = ssh2.utils.generateKeyPairSync('ed25519')
const OURS = ssh2.utils.generateKeyPairSync('ed25519')
const SIGNAL = new AbortController().signal

/** Begins to log in over a connection whose other end is the test's. */
function begin(): { readonly clock: ManualClock; readonly far: Duplex; readonly login: Promise<PooledTransport> } {
  const clock = new ManualClock()
  const [near, far] = duplexPair()
  const login = PooledTransport.connect(
    {
      host: 'h1',
      port: 22,
      user: 'root',
      credentials: [{ label: 'id', key: Buffer.from(OURS.private) }],
      hostKey: { name: 'h1', knownHosts: new KnownHosts([`h1 ${HOST_KEY.public}`]), pinned: [], acceptNew: false },
      via: near,
    },
    { clock },
    SIGNAL,
  )
  // Each test looks at it after it has made time pass.
  login.catch(() => {})
  return { clock, far, login }
}

/** Has the other end speak SSH; `each` is called before it has answered anything. */
function serve(far: Duplex, each: (connection: Connection) => void): void {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY.private] })
  server.on('connection', connection => {
    connection.on('error', () => {})
    each(connection)
  })
  server.injectSocket(far as Parameters<typeof server.injectSocket>[0])
}

it('says of a host that takes connections and says nothing that it does', async () => {
  const { clock, far, login } = begin()
  await once(far, 'data')
  await clock.advance(19_999)
  await clock.advance(1)
  await expect(login).rejects.toMatchObject({
    code: 'SSH_UNREACHABLE',
    message:
      'Cannot reach h1:22 (silent for 20 s): it takes connections and says nothing: does sshd listen there, and does it hang?',
  })
})

it('says of a host that hangs while it lets us in where it does', async () => {
  const { clock, far, login } = begin()
  await new Promise<void>(resolve => serve(far, connection => void connection.once('authentication', () => resolve())))
  await clock.advance(20_000)
  await expect(login).rejects.toMatchObject({
    code: 'SSH_UNREACHABLE',
    message: expect.stringContaining('fell silent while it was to let us in'),
  })
})

it('waits for a host that is slow and speaks, but not for ever', async () => {
  const { clock, far, login } = begin()
  await once(far, 'data')
  for (let spoken = 0; spoken < 6; spoken++) {
    far.write('busy\r\n')
    await clock.advance(19_000)
  }
  far.write('busy\r\n')
  const state = await Promise.race([login.catch(() => 'given up'), clock.advance(0).then(() => 'waits')])
  expect(state).toBe('waits')
  await clock.advance(6_000)
  await expect(login).rejects.toMatchObject({
    code: 'SSH_UNREACHABLE',
    message: 'h1:22 has not let us in after 120 s: is the host overloaded?',
  })
})

it('does not wait a day for a host that lets us in and starts nothing', async () => {
  const { clock, far, login } = begin()
  const asked = Promise.withResolvers<() => ServerChannel>()
  serve(far, connection => {
    connection.on('authentication', context => context.accept())
    connection.on('session', accept => {
      const session: Session = accept()
      session.on('exec', answer => asked.resolve(answer))
    })
  })
  const transport = await login
  const running = transport.run(['sleep', '9'], { timeoutMs: 86_400_000 })
  running.catch(() => {})
  const answer = await asked.promise
  await clock.advance(20_000)
  await expect(running).rejects.toMatchObject({ code: 'SSH_LOST', message: expect.stringContaining('h1 let us in') })
  // Nobody waits for it any more, and it must not stay.
  const late = answer().resume()
  await once(late, 'close')
  await transport.close()
})
