import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { parseSshAddress } from '../../../src/cli/engine/ssh/ssh-address.ts'
import { Tunnel } from '../../../src/cli/engine/ssh/tunnel.ts'
import type { Wanted } from '../../../src/cli/engine/ssh/tunnels-port.ts'
import { unavailable } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { StreamTransport } from '../../../src/machine/index.ts'

const MANAGER = '/run/shoal/manager.sock'
const STOCK = '/var/run/docker.sock'

interface Host {
  /** Where the user gets an answer. */
  readonly answering: readonly string[]
  /** What its shell says of sockets; absent: the user has none. */
  readonly said?: string
}

/** Whom a command that wants one gets on a host. */
async function reached(wanted: Wanted, { answering, said }: Host): Promise<string> {
  const ended: string[] = []
  const dial = async (at: string): Promise<Duplex> => {
    if (!answering.includes(at)) throw unavailable('ENGINE_UNAVAILABLE', `nobody at ${at}`)
    ended.push(at)
    return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  }
  const transport: StreamTransport = {
    refusesDials: true,
    run: async () => {
      if (said === undefined) throw unavailable('SSH_LOST', 'no session for you')
      return { code: 0, stdout: said, stderr: '' }
    },
    dialSocket: path => dial(path),
    dialHost: (host, port) => dial(`${host}:${port}`),
    dialCommand: async words => {
      ended.push(words.join(' '))
      return new Duplex({ read() {} })
    },
    close: async () => {},
  }
  const ports = { clock: new ManualClock(), connect: async () => transport }
  const tunnel = new Tunnel(parseSshAddress('ssh://ann@m1'), wanted, ports)
  const stream = await tunnel.dial(new AbortController().signal)
  stream.destroy()
  await tunnel.close()
  return ended.at(-1) ?? ''
}

it.each(['manager', 'engine'] as const)(
  'who wants the %s of a cluster does not get one engine instead',
  async wanted => {
    const denied = { answering: [STOCK], said: `socket denied root ${MANAGER}\n` }
    await expect(reached(wanted, denied)).rejects.toMatchObject({
      code: 'SSH_SOCKET_DENIED',
      message: expect.stringMatching(
        /permission denied for \/run\/shoal\/manager\.sock on m1: log in as root.*name the socket of its engine/,
      ),
    })
    const withSudo = `${denied.said}root open root ${MANAGER}\nprogram /opt/shoal\n`
    expect(await reached(wanted, { ...denied, said: withSudo })).toBe(
      `sudo -n -- sh -c exec "$@" sh /opt/shoal --host unix://${MANAGER} system dial-stdio`,
    )
  },
)

it('an open manager is taken without asking what else there is', async () => {
  expect(await reached('manager', { answering: [MANAGER, STOCK] })).toBe(MANAGER)
  expect(await reached('manager', { answering: ['127.0.0.1:3375', STOCK] })).toBe('127.0.0.1:3375')
})

it('an engine is taken where there is no manager, or where nobody says', async () => {
  expect(await reached('manager', { answering: [STOCK], said: `socket none - ${MANAGER}\n` })).toBe(STOCK)
  expect(await reached('engine', { answering: [STOCK] })).toBe(STOCK)
})
