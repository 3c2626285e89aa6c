import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { failed } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
beforeEach(async () => {
  world = fakeWorld()
  await create('10.0.0.1', '--swarm', '--swarm-master', 'm1')
  await create('10.0.0.2', '--swarm', 'w1')
  world.commands.splice(0)
  world.fetched.splice(0)
})
afterEach(() => world.dispose())

const create = (host: string, ...words: readonly string[]) =>
  world.machine('create', '--host', host, '--accept-new', ...words)
/** What managers were asked on their hosts: behind the program, without the socket. */
const asked = () =>
  world.commands.map(({ host, words }) =>
    [host, ...words.slice(words.findIndex(word => word.endsWith('/swarm')) + 1)].join(' ').replace(/ -H unix:\S+/, ''),
  )

describe('certs rotate', () => {
  it('has members make other keys, managers and agents, one machine after another', async () => {
    await create('10.0.0.3', '--swarm', '--swarm-master', 'm2')
    world.commands.splice(0)
    expect(await world.machine('certs', 'rotate', 'w1', 'm2')).toEqual({
      code: 0,
      stdout: 'There are new certificates for "w1"\nThere are new certificates for "m2"\n',
      stderr: '',
    })
    // With several managers each is asked first whether it answers.
    expect(asked().filter(each => !each.endsWith(' node ls'))).toEqual([
      '10.0.0.1 cert renew w1',
      '10.0.0.1 cert renew m2 manager-m2',
    ])
    expect(world.fetched).toEqual([])
  })

  it('goes on with the next machine where one does not follow', async () => {
    world.answer = (_host, words) =>
      words.includes('w1') ? { code: 1, lines: [], errors: ['w1 has not taken another key'] } : { code: 0, lines: [] }
    expect(await world.machine('certs', 'rotate', '--revoke-old', 'w1', 'm1')).toMatchObject({
      code: 1,
      stdout: 'There are new certificates for "m1"\n',
      stderr: expect.stringContaining(
        'The certificates of "w1" were not renewed: The manager on "m1" says: w1 has not',
      ),
    })
    expect(asked()[1]).toBe('10.0.0.1 cert renew --revoke-old m1 manager-m1')
  })

  it('says what to do about a manager of an earlier version', async () => {
    const errors = ['swarm: unknown command: swarm cert renew', '', "Run 'swarm cert --help' for more information"]
    world.answer = () => ({ code: 2, lines: [], errors })
    expect(await world.machine('certs', 'rotate', 'w1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is of an earlier version, which cannot do that: run `machine upgrade m1`'),
    })
  })

  it('is of all that have certificates with --all', async () => {
    await create('10.0.0.4', 'n1')
    await create('10.0.0.5', '--access', 'ssh', 'n2')
    world.commands.splice(0)
    expect(await world.machine('certs', 'rotate', '--all')).toMatchObject({ code: 0 })
    expect(asked()).toEqual(['10.0.0.1 cert renew m1 manager-m1', '10.0.0.1 cert renew w1'])
    expect(world.provisioned.at(-1)?.request.machine.name).toBe('n1')
    expect(await world.machine('certs', 'rotate', '--all', 'n1')).toMatchObject({ code: 2 })
  })

  it.each([
    [['n2'], 'is in no cluster'],
    [['w1', 'n2'], 'is in no cluster'],
    [['--revoke-old', 'n1', 'w1'], '--revoke-old is for members'],
    [['--ca', '--all'], 'expected no machines'],
    [['nobody'], 'nobody'],
    [[], 'No machine name(s) specified'],
  ])('does nothing at all for %j', async (words, told) => {
    await create('10.0.0.4', 'n1')
    await create('10.0.0.5', '--access', 'ssh', 'n2')
    world.commands.splice(0)
    const before = world.provisioned.length
    const { code, stderr } = await world.machine('certs', 'rotate', ...words)
    expect([code > 0, stderr, asked()]).toEqual([true, expect.stringContaining(told), []])
    expect(world.provisioned).toHaveLength(before)
  })

  it('only says what it would do with --dry-run', async () => {
    const { stdout } = await world.machine('certs', 'rotate', '--dry-run', 'm1', 'w1')
    expect(stdout).toBe(
      'Would make other keys and certificates for "m1" (m1, manager-m1)\nWould make other keys and certificates for "w1" (w1)\n',
    )
    expect((await world.machine('certs', 'rotate', '--dry-run', '--ca')).stdout).toContain('cluster of "m1"')
    expect(asked()).toEqual([])
  })

  it('of the authority waits for all members, and renews the certificate of who asks', async () => {
    expect(await world.machine('certs', 'rotate', '--ca')).toEqual({
      code: 0,
      stdout: 'The cluster of "m1" has a new authority\n',
      stderr: expect.stringContaining('Your certificate was renewed.'),
    })
    expect(asked()).toEqual(['10.0.0.1 ca rotate --wait'])
    expect(world.fetched).toMatchObject([{ directory: join(world.root, 'machines/m1/client') }])
    world.refuseFetch = failed('NO_MANAGER', 'the port is closed')
    expect(await world.machine('certs', 'rotate', '--ca')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        'could not be renewed yet (the port is closed): run `machine regenerate-certs m1`',
      ),
    })
  })

  it('of the authority fetches nothing for who asks as long as members have not followed', async () => {
    world.answer = () => ({ code: 1, lines: [], errors: ['Still waiting for w1'] })
    expect(await world.machine('certs', 'rotate', '--ca')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Still waiting for w1'),
    })
    expect(world.fetched).toEqual([])
  })
})

describe('regenerate-certs', () => {
  it('asks before it makes those of members anew', async () => {
    expect(await world.answering('n\n', 'regenerate-certs', 'w1')).toMatchObject({ code: 0 })
    expect(await world.answering('', 'regenerate-certs', 'w1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('add -f'),
    })
    expect([asked(), world.fetched]).toEqual([[], []])
    expect(await world.answering('y\n', 'regenerate-certs', 'w1')).toMatchObject({ code: 0 })
    expect([asked(), world.fetched.length]).toEqual([['10.0.0.1 cert renew w1'], 1])
  })

  it('only says what it would do with --dry-run', async () => {
    const { code, stdout } = await world.machine('regenerate-certs', '--dry-run', 'm1', 'w1')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'Would fetch a certificate of yours for the cluster of "m1"',
        'Would make other keys and certificates for "m1" (m1, manager-m1)',
        'Would make other keys and certificates for "w1" (w1)',
        '',
      ].join('\n'),
    })
    expect([asked(), world.fetched]).toEqual([[], []])
  })
})

describe('certs ls', () => {
  const OWNERS = [
    'node 2027-01-01T00:00:00.000Z w1',
    'client 2027-01-01T00:00:00.000Z client-ann-1',
    'client 1969-01-01T00:00:00.000Z bob',
  ]
  const people = async (...words: readonly string[]) =>
    (await world.machine('certs', 'ls', ...words)).stdout.split('\n').filter(line => line.includes('client'))

  it('shows what people have of each cluster, beside what daemons show', async () => {
    await create('10.0.0.6', '--swarm', '--swarm-master', '--insecure', '--swarm-discovery', 'machine://plain', 'plain')
    world.certificates['10.0.0.1:3376'] = { subject: 'manager-m1', issuer: 'Shoal cluster', validTo: '2027-01-01' }
    world.commands.splice(0)
    world.answer = () => ({ code: 0, lines: OWNERS })
    const { stdout } = await world.machine('certs', 'ls', '-f', '{{.Name}} {{.Role}} {{.Subject}} {{.Expires}}')
    expect(stdout).toContain('m1 manager manager-m1 2027-01-01T00:00:00.000Z\n')
    expect(stdout.split('\n').filter(line => line.includes(' client '))).toEqual([
      'm1 client client-ann-1 2027-01-01T00:00:00.000Z',
      'm1 client bob 1969-01-01T00:00:00.000Z',
    ])
    expect(asked()).toEqual(['10.0.0.1 cert ls --format {{.Role}} {{.Expires}} {{.Name}}'])
    const rows = (await people('--json')).map(line => JSON.parse(line))
    expect(rows).toMatchObject([
      { Name: 'm1', Role: 'client', Subject: 'client-ann-1', Error: '' },
      { Name: 'm1', Role: 'client', Subject: 'bob', Left: 'expired' },
    ])
  })

  it.each([
    ['the host is away', () => failed('SSH_UNREACHABLE', 'no way there'), 'no way there'],
    ['its manager is', () => undefined, 'The manager on "m1" says: it is away'],
  ])('says so where %s', async (_what, refuse, told) => {
    world.refuse = refuse
    world.answer = () => ({ code: 1, lines: [], errors: ['it is away'] })
    expect(await people('-f', '{{.Role}} {{.Error}}')).toEqual([`client ${told}`])
  })
})

describe('rm', () => {
  beforeEach(async () => {
    await create('10.0.0.3', '--swarm', '--swarm-master', 'm2')
    const record = JSON.stringify({ startedAtMs: 0, steps: { engine: { status: 'done', startedAtMs: 0 } }, undo: [] })
    for (const name of ['m2', 'w1']) {
      await mkdir(join(world.root, 'machines', name), { recursive: true })
      await writeFile(join(world.root, 'machines', name, 'provision.json'), record)
    }
    world.commands.splice(0)
    // What removing does on the host itself is not what is tried here.
    world.finish = async ({ machine, membership }, { signal }) => {
      await membership?.forget(machine, signal)
      const result = {
        machine: machine.name,
        changed: [],
        planned: 0,
        warnings: [],
        roundTrips: 1,
        durationMs: 5,
      } as const
      return { ...result, ok: true, exitCode: 0 }
    }
  })

  it('of a second manager takes its certificate back, beside that of its node', async () => {
    expect(await world.machine('rm', '-y', 'm2', 'w1')).toMatchObject({ code: 0 })
    expect(asked()).toEqual([
      '10.0.0.1 node rm --force m2',
      '10.0.0.1 cert revoke --timeout 0s manager-m2',
      '10.0.0.1 node rm --force w1',
    ])
  })

  it('waits for another to lead where the manager that is taken out did', async () => {
    let asks = 0
    world.answer = (_host, words) =>
      words.includes('rm') && ++asks === 1
        ? { code: 1, lines: [], errors: ['No manager leads the cluster at the moment; try again'] }
        : { code: 0, lines: [] }
    const clock = { ...systemClock, setTimer: (_ms: number, done: () => void) => systemClock.setTimer(0, done) }
    expect(await world.onClock(clock, '', 'rm', '-y', 'm2')).toMatchObject({ code: 0 })
    expect(asks).toBe(2)
  })

  it('of a second manager takes its certificate back at a manager of an earlier version too', async () => {
    world.answer = (_host, words) =>
      words.includes('--timeout')
        ? { code: 2, lines: [], errors: ["error: unknown option '--timeout'"] }
        : { code: 0, lines: [] }
    expect(await world.machine('rm', '-y', 'm2')).toMatchObject({ code: 0 })
    expect(asked().at(-1)).toBe('10.0.0.1 cert revoke manager-m2')
  })

  it('is done where neither is known any more, and not where the manager refuses', async () => {
    world.answer = (_host, words) => ({
      code: 1,
      lines: [],
      errors: [words.includes('node') ? 'No such node: m2' : 'Nobody called manager-m2 has a certificate'],
    })
    expect(await world.machine('rm', '-y', 'm2')).toMatchObject({ code: 0 })
    await create('10.0.0.3', '--swarm', '--swarm-master', 'm2')
    const record = JSON.stringify({ startedAtMs: 0, steps: { engine: { status: 'done', startedAtMs: 0 } }, undo: [] })
    await writeFile(join(world.root, 'machines/m2/provision.json'), record)
    world.answer = (_host, words) =>
      words.includes('cert') ? { code: 1, lines: [], errors: ['the store is away'] } : { code: 0, lines: [] }
    expect(await world.machine('rm', '-y', 'm2')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the store is away'),
    })
  })
})
