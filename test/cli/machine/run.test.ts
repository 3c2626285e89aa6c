import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld, wantingPassword } from './world.ts'

let world: FakeWorld
/** What the driver looks at to tell whether a host is up. */
let server: Server
let port: number

beforeAll(async () => {
  server = createServer(socket => socket.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())
beforeEach(async () => {
  world = fakeWorld()
  await world.machine('create', '--host', `127.0.0.1:${port}`, 'n1')
  await world.machine('create', '--host', `admin@localhost:${port}`, '--generic-ssh-key', '/keys/id', 'n2')
  await world.machine('create', '-d', 'none', '--url', 'tcp://10.0.0.5:2376', 'n3')
})
afterEach(() => world.dispose())

describe('machine ssh', () => {
  it('runs ssh with a configuration in which the machine goes by its name, and ends as it did', async () => {
    world.programCode = 7
    expect(await world.machine('ssh', '-t', 'n2', '-C', 'ls', '-l', '--', 'x')).toMatchObject({ code: 7 })
    const [program] = world.programs
    expect(program?.words).toEqual(['ssh', '-F', expect.any(String), 'n2', '-t', '-C', 'ls', '-l', '--', 'x'])
    expect(program?.config.split('\n')).toEqual([
      'Host n2',
      '  identityfile "/keys/id"',
      '  identitiesonly yes',
      `  userknownhostsfile "${world.root}/machines/n2/known_hosts"`,
      '  globalknownhostsfile /dev/null',
      '  hostkeyalias machine',
      '  stricthostkeychecking yes',
      '  user admin',
      '  hostname localhost',
      `  port ${port}`,
      'Host *',
      '  Include ~/.ssh/config',
      '  Include /etc/ssh/ssh_config',
      '',
    ])
  })

  it('runs a command on several machines, each line with its machine, and ends with the first that failed', async () => {
    world.answer = host => (host === 'localhost' ? { code: 5, lines: ['no'] } : { code: 0, lines: ['a', '\u001b[2Jb'] })
    const { code, stdout } = await world.machine('ssh', 'n1,n2', 'echo', '$HOME', '-x')
    expect(code).toBe(5)
    expect(stdout.split('\n').toSorted()).toEqual(['', '[n1] ^[[2Jb', '[n1] a', '[n2] no'])
    expect(world.commands.map(({ words }) => words)).toEqual([
      ['sh', '-c', 'echo $HOME -x'],
      ['sh', '-c', 'echo $HOME -x'],
    ])
    expect(await world.machine('ssh', 'n1,n2')).toMatchObject({ code: 2 })
  })

  it('writes a line that comes in parts as one, unless others speak in between', async () => {
    world.answer = () => ({ code: 0, parts: ['aa', 'bb'], lines: ['c'] })
    expect((await world.machine('exec', 'n1', 'x')).stdout).toBe('aabbc\n')
    const { stdout } = await world.machine('exec', 'n1,n2', 'x')
    expect(stdout.split('\n').filter(line => line.startsWith('[n1]'))).toEqual(['[n1] aa', '[n1] bb', '[n1] c'])
  })

  it('runs on all machines, however long it takes on each, and asks none of them before', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `many${index}`)
    for (const name of names) await world.machine('create', '--host', `10.0.1.${name.slice(4)}`, name)
    const last = Promise.withResolvers<void>()
    world.answer = async host => {
      if (host === '10.0.1.39') last.resolve()
      await last.promise
      return { code: 0, lines: [host] }
    }
    const { code, stdout } = await world.machine('ssh', names.join(','), 'sleep', '9')
    expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 40 })
    expect((await world.machine('logs', '-f', ...names)).code).toBe(0)
  })

  it('says which machine cannot be reached, and runs on the others', async () => {
    world.refuse = host => (host === 'localhost' ? unavailable('SSH_UNREACHABLE', 'no way') : undefined)
    world.answer = () => ({ code: 0, lines: ['up'] })
    expect(await world.machine('exec', 'n1,n2', 'uptime')).toEqual({
      code: 10,
      stdout: '[n1] up\n',
      stderr: '[n2] no way\n',
    })
  })

  it('passes the words of exec as they are', async () => {
    await world.machine('exec', 'n1', '--', 'printf', '%s', 'a b;c')
    expect(world.commands).toEqual([{ host: '127.0.0.1', words: ['printf', '%s', 'a b;c'] }])
  })

  it('refuses a machine of which only the URL is known', async () => {
    expect(await world.machine('ssh', 'n3')).toMatchObject({ code: 1, stderr: expect.stringContaining('has no SSH') })
    expect(await world.machine('ssh', 'nosuch')).toMatchObject({ code: 1 })
    expect(world.programs).toEqual([])
  })

  it('refuses a host that is down', async () => {
    await world.machine('create', '--host', '127.0.0.1:1', 'n4')
    expect((await world.machine('ssh', 'n4', 'ls')).stderr).toBe(
      'Cannot run SSH command: Host "n4" is not running: start it, or see `machine doctor n4`\n',
    )
  })
})

describe('machine scp', () => {
  const wordsOf = async (...argv: readonly string[]) => {
    await world.machine('scp', ...argv)
    return world.programs
      .at(-1)
      ?.words.map(word => (word.includes('/shoal-') ? word.replace(/\/\S*\/shoal-\S*/, 'CFG') : word))
  }

  it.each([
    [
      ['n1:/a', 'b'],
      ['scp', '-F', 'CFG', '-3', '--', 'n1:/a', './b'],
    ],
    [['-r', '-q', '-a:b', 'root@n2:'], undefined],
    [['-r', '-q', 'a:b/c', 'root@n2:'], undefined],
    [
      ['-r', 'localhost:x', 'root@n2:/t'],
      ['scp', '-F', 'CFG', '-3', '-r', '--', './x', 'root@n2:/t'],
    ],
    [
      ['n1:a', 'n2:b'],
      ['scp', '-F', 'CFG', '-3', '--', 'n1:a', 'n2:b'],
    ],
    [
      ['-d', '-q', '/x', 'n1:y'],
      ['rsync', '-e', 'ssh -F CFG', '-q', '--', '/x', 'n1:y'],
    ],
    [['-d', 'n1:a', 'n2:b'], undefined],
  ])('%j', async (argv, words) => {
    expect(await wordsOf(...argv)).toEqual(words)
  })

  it('lets programs know all machines that are named', async () => {
    await wordsOf('n1:a', 'n2:b')
    expect(world.programs.at(-1)?.config).toMatch(/^Host n1\n[^]*^Host n2\n/m)
  })
})

it('mounts by sshfs, and takes it away again', async () => {
  await world.machine('mount', 'n1:/srv', '/mnt/srv')
  await world.machine('mount', '-u', 'n1:/srv', '/mnt/srv')
  expect(world.programs.map(({ words }) => words)).toEqual([
    ['sshfs', '-F', expect.any(String), 'n1:/srv', '/mnt/srv'],
    ['fusermount', '-u', '--', '/mnt/srv'],
  ])
})

it('shows what the services of machines say', async () => {
  world.answer = () => ({ code: 0, lines: ['agent: joined'] })
  expect((await world.machine('logs', '-n', '5', 'n1')).stdout).toBe('agent: joined\n')
  expect(world.commands.at(-1)?.words.slice(-2)).toEqual(['5', ''])
  expect(world.commands.at(-1)?.words[0]).toBe('sh')
  await world.machine('create', '--host', 'admin@10.0.0.9', 'u1')
  world.answer = (_host, words) => ({ code: 0, lines: [words[0] === 'sudo' ? 'agent: joined' : 'sudo'] })
  expect((await world.machine('logs', 'u1')).stdout).toBe('agent: joined\n')
  expect(world.commands.at(-1)?.words.slice(0, 3)).toEqual(['sudo', '-n', '--'])
})

it('asks for the password of sudo where one is wanted, and says how to be asked', async () => {
  world.answer = wantingPassword(() => ({ code: 0, lines: ['agent: joined'] }))
  await world.machine('create', '--host', 'admin@10.0.0.9', 'u1')
  expect(await world.machine('logs', 'u1')).toMatchObject({
    code: 13,
    stderr: expect.stringContaining('--ask-sudo-pass'),
  })
  expect(await world.answering('secret\n', 'logs', '--ask-sudo-pass', 'u1')).toEqual({
    code: 0,
    stdout: 'agent: joined\n',
    stderr: 'Password of sudo on "u1" (admin): \n',
  })
  expect(world.commands.at(-1)?.input).toBe('secret\n')
})

it('tells what machines say on the stream on which they said it', async () => {
  world.answer = host => ({ code: 0, lines: [`out of ${host}`], errors: [`err of ${host}`] })
  const { stdout, stderr } = await world.machine('exec', 'n1,n2', 'x')
  expect(stdout).toMatch(/^\[n\d\] out of .*\n\[n\d\] out of .*\n$/)
  expect(stderr).toMatch(/^\[n\d\] err of .*\n\[n\d\] err of .*\n$/)
})
