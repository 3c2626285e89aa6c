import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  detourOf,
  endpointsOf,
  isKeptFromUser,
  readReport,
  reportCommand,
} from '../../../src/cli/engine/ssh/endpoints.ts'
import { parseSshAddress } from '../../../src/cli/engine/ssh/ssh-address.ts'

const NOBODY = 65_534

const folder = mkdtempSync(join(tmpdir(), 'shoal-endpoints-'))
const server = createServer()
beforeAll(() => new Promise<void>(resolve => server.listen(join(folder, 'a b.sock'), resolve)))
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const address = parseSshAddress('ssh://ann@lab')

describe('where to look on a host', () => {
  it('is a manager first, then where the same command would look there, then a stock engine', () => {
    const engine = ['/run/shoal/agent.sock', '/run/shoal/engine.sock', '/var/run/docker.sock']
    const sockets = engine.map(path => ({ kind: 'socket', path }))
    const cluster = { kind: 'socket', path: '/run/shoal/manager.sock' }
    expect(endpointsOf(address, 'engine')).toEqual({ first: [cluster], others: sockets })
    const port = { kind: 'tcp', host: '127.0.0.1', port: 3375 }
    expect(endpointsOf(address, 'manager')).toEqual({ first: [cluster, port], others: sockets })
  })

  it('is only where the address says', () => {
    const named = parseSshAddress('ssh://lab/run/x.sock')
    expect(endpointsOf(named, 'manager')).toEqual({ first: [{ kind: 'socket', path: '/run/x.sock' }], others: [] })
  })
})

describe('what a host says of its sockets', () => {
  it('is read from the shell there, whatever the paths are called', () => {
    writeFileSync(join(folder, 'file'), '')
    const paths = ['a b.sock', 'file', '$(id)', 'none/x'].map(name => join(folder, name))
    const [program = '', ...argv] = reportCommand(paths)
    const said = execFileSync(program, argv, { encoding: 'utf8' })
    const { sockets } = readReport(`Welcome to lab\n${said}`)
    expect(sockets.map(({ path, state }) => [path, state])).toEqual([
      [paths[0], 'open'],
      [paths[1], 'other'],
      [paths[2], 'none'],
      [paths[3], 'none'],
    ])
  })

  it('is asked of root where the user may not open one, and sudo asks nothing', async () => {
    const home = mkdtempSync(join(tmpdir(), 'shoal-report-'))
    const path = join(home, 'manager.sock')
    const listening = createServer()
    try {
      await new Promise<void>(resolve => listening.listen(path, resolve))
      mkdirSync(join(home, 'bin'))
      // Root may open everything: here it is who may change the mode.
      const sudo = '[ "$1 $2" = "-n --" ] || exit 1\nshift 2\nfor path; do :; done\nchmod 600 "$path" && exec "$@"\n'
      writeFileSync(join(home, 'bin', 'sudo'), `#!/bin/sh\n${sudo}`, { mode: 0o755 })
      chmodSync(path, 0)
      chmodSync(home, 0o755)
      const isRoot = process.getuid?.() === 0
      if (isRoot) chownSync(path, NOBODY, NOBODY)
      const [program = '', ...argv] = reportCommand([path])
      const said = execFileSync(program, argv, {
        encoding: 'utf8',
        env: { PATH: `${join(home, 'bin')}:/usr/bin:/bin` },
        ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
      })
      const report = readReport(said)
      expect(report.sockets).toMatchObject([{ path, state: 'denied' }])
      expect(report.openToRoot).toEqual([path])
    } finally {
      listening.close()
      rmSync(home, { recursive: true })
    }
  })

  it.each([
    ['socket denied root /m.sock', true],
    ['socket denied - /m.sock\nroot open root /m.sock', true],
    ['socket denied - /m.sock\nroot none - /m.sock', false],
    ['socket open root /m.sock', false],
    ['socket none - /m.sock', false],
  ])('tells whether somebody is there whom the user may not reach: %s', (text, isKept) => {
    expect(isKeptFromUser(readReport(text))).toBe(isKept)
  })

  it.each([
    [
      'socket open docker /d.sock\nprogram /usr/bin/docker',
      { words: ['/usr/bin/docker', '--host', 'unix:///d.sock', 'system', 'dial-stdio'] },
    ],
    [
      'socket none - /a.sock\nsocket open root /b.sock\nprogram /opt/shoal\nprogram /usr/bin/docker',
      { words: ['/opt/shoal', '--host', 'unix:///b.sock', 'system', 'dial-stdio'] },
    ],
    [
      'socket denied root /b.sock\nsocket none - /d.sock\nroot open root /b.sock\nroot none - /d.sock\nprogram /opt/shoal',
      {
        words: [
          ...'sudo|-n|--|sh|-c|exec "$@"|sh'.split('|'),
          ...'/opt/shoal --host unix:///b.sock system dial-stdio'.split(' '),
        ],
      },
    ],
  ])('leads to a program there that connects: %s', (text, detour) => {
    expect(detourOf(address, readReport(text))).toEqual(detour)
  })

  it.each([
    [
      'socket open root /d.sock',
      /nothing answers at \/d\.sock on lab, or its sshd forwards no sockets.*install shoal or docker/,
    ],
    [
      'socket denied docker /d.sock\nprogram /usr/bin/docker',
      /permission denied for \/d\.sock on lab: add ann to the group docker there/,
    ],
    ['socket denied root /d.sock', /permission denied for \/d\.sock on lab: log in as root, or let ann become root/],
    ['socket other root /d.sock', /\/d\.sock on lab is not a socket/],
    ['socket none - /a.sock\nsocket none - /b.sock', /there is no socket \/a\.sock, \/b\.sock on lab/],
    ['nonsense', /nobody said what sockets are on lab: log in as a user who may use its engine/],
  ])('is told with what to do: %s', (text, sentence) => {
    const detour = detourOf(address, readReport(text))
    expect('error' in detour && detour.error.message).toMatch(sentence)
  })
})
