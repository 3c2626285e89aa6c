import { linkSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nearest } from '../../../src/cli/commands/system/dial-stdio.ts'
import { ownEngine } from '../../../src/cli/engine/engine-address.ts'
import { explained } from '../../../src/cli/engine/engine-api.ts'
import { type Look, type Presence, whoListens } from '../../../src/cli/engine/who-listens.ts'
import { ownManager, parseManagerAddress } from '../../../src/cli/manager/manager-address.ts'
import { unreachable } from '../../../src/cli/manager/unreachable.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { unavailable } from '../../../src/core/errors.ts'

const MANAGER = 'unix:///run/shoal/manager.sock'
const PORT = 'tcp://127.0.0.1:3375'
const AGENT = 'unix:///run/shoal/agent.sock'
const ENGINE = 'unix:///run/shoal/engine.sock'

/** A host on which nobody listens but who is said. */
const host =
  (there: Readonly<Record<string, Presence>>): Look =>
  async url =>
    there[url] ?? 'nobody'

describe('whoListens()', () => {
  let folder: string
  let server: Server
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-socket-'))
    server = createServer(socket => socket.resume())
  })
  afterEach(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  const listen = (where: string | { port: number; host: string }) =>
    new Promise<void>(resolve => server.listen(where, resolve))
  const look = (url: string) => whoListens(url, { clock: systemClock, signal: new AbortController().signal })

  it('tells a socket that answers from one that was left behind, and from none', async () => {
    const [path, left] = [join(folder, 'a.sock'), join(folder, 'left.sock')]
    await listen(path)
    linkSync(path, left)
    expect(await look(`unix://${path}`)).toBe('answers')
    await new Promise(resolve => server.close(resolve))
    expect(await look(`unix://${left}`)).toBe('dead')
    expect(await look(`unix://${path}`)).toBe('nobody')
    writeFileSync(path, '')
    expect(await look(`unix://${path}`)).toBe('dead')
  })

  it('finds a port at which somebody listens, and none where nobody does', async () => {
    await listen({ port: 0, host: '127.0.0.1' })
    const { port } = server.address() as { port: number }
    expect(await look(`tcp://127.0.0.1:${port}`)).toBe('answers')
    await new Promise(resolve => server.close(resolve))
    expect(await look(`tcp://127.0.0.1:${port}`)).toBe('nobody')
  })

  it('ends with what the person says', async () => {
    const ended = new AbortController()
    ended.abort(new Error('Ctrl-C'))
    await expect(whoListens(PORT, { clock: systemClock, signal: ended.signal })).rejects.toThrow('Ctrl-C')
  })
})

it.each<[string, Readonly<Record<string, Presence>>, string]>([
  ['the agent before an engine', { [AGENT]: 'answers', [ENGINE]: 'answers' }, AGENT],
  ['an engine where an agent has died', { [AGENT]: 'dead', [ENGINE]: 'answers' }, ENGINE],
  ['an agent that is not for the person to ask', { [AGENT]: 'denied', [ENGINE]: 'answers' }, AGENT],
  ['what died, to be told of it', { [ENGINE]: 'dead' }, ENGINE],
  ['the agent where nobody is, to be told why', {}, AGENT],
])('an engine of this host is %s', async (_, there, expected) => {
  expect(await ownEngine(host(there))).toBe(expected)
})

it.each<[string, Readonly<Record<string, Presence>>, string]>([
  ['at its socket, which needs no certificate', { [MANAGER]: 'answers', [PORT]: 'answers' }, MANAGER],
  ['at its port where its socket is closed to the person', { [MANAGER]: 'denied', [PORT]: 'answers' }, PORT],
  ['at its port where another one has left a socket', { [MANAGER]: 'dead', [PORT]: 'answers' }, PORT],
  ['at its socket where that is closed, to be told so', { [MANAGER]: 'denied' }, MANAGER],
  ['at its socket where it has died, to be told so', { [MANAGER]: 'dead' }, MANAGER],
  ['at its port where nobody is', {}, PORT],
])('the manager of this host is %s', async (_, there, expected) => {
  expect(await ownManager(host(there))).toBe(expected)
})

it.each<[string, Readonly<Record<string, Presence>>, string, readonly string[]]>([
  ['the manager', { [MANAGER]: 'answers', [AGENT]: 'answers' }, MANAGER, []],
  ['the manager, also where it may not be asked', { [MANAGER]: 'denied', [AGENT]: 'answers' }, MANAGER, []],
  ['the engine', { [ENGINE]: 'answers' }, ENGINE, []],
  ['the agent of a manager that has died, saying so', { [MANAGER]: 'dead', [AGENT]: 'answers' }, AGENT, [MANAGER]],
])('docker over SSH comes to %s', async (_, there, expected, named) => {
  const warnings: string[] = []
  expect(await nearest(host(there), message => void warnings.push(message))).toBe(expected)
  expect(warnings).toEqual(named.map(url => expect.stringContaining(`nobody answers at ${url} any more`)))
})

it.each([
  ['EACCES', 'Be root there (sudo)'],
  ['ECONNREFUSED', 'Start one with'],
])('who could not connect is told what to do about %s', (code, advice) => {
  const cause = Object.assign(new Error(`connect ${code}`), { code })
  const error = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect', { cause })
  expect(explained(error, ENGINE)).toMatchObject({ message: expect.stringContaining(advice) })
  expect(unreachable(parseManagerAddress(MANAGER), error).message).toContain(advice)
})
