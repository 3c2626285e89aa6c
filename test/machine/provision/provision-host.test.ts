import { afterEach, beforeEach, expect, it } from 'vitest'
import { failed, unavailable } from '../../../src/core/errors.ts'
import type { ManualClock } from '../../../src/core/manual-clock.ts'
import { type ProvisionEvent, readProvisionRecord } from '../../../src/machine/index.ts'
import {
  DISABLE_ETCD,
  LACKING_PACKAGES,
  REMOVE_PACKAGES,
} from '../../../src/machine/provision/scripts/package-scripts.ts'
import { START_SERVICES } from '../../../src/machine/provision/scripts/service-scripts.ts'
import { REMOVE_TOKEN } from '../../../src/machine/provision/scripts/trust-scripts.ts'
import { takeBack } from '../../../src/machine/provision/undo.ts'
import { Bench } from './bench.ts'
import { FakeHost } from './fake-host.ts'
import { converged, MACHINE, SWARM } from './scene.ts'

let bench: Bench
let host: FakeHost
let clock: ManualClock
let events: ProvisionEvent[]

beforeEach(async () => {
  bench = await Bench.open()
  ;({ host, clock, events } = bench)
})

afterEach(() => bench.close())

const run: Bench['provision'] = (options, request) => bench.provision(options, request)

it('asks twice and does nothing where nothing is to be done', async () => {
  host.looks = [converged()]
  expect(await run()).toMatchObject({ ok: true, exitCode: 0, changed: [], roundTrips: 2 })
  expect(host.ran).toHaveLength(2)
  expect(host.closed).toBe(true)
  expect(events.map(({ step, event }) => `${step} ${event}`).filter(line => !line.endsWith('start'))).toEqual([
    'resolve ok',
    'connect ok',
    'privilege ok',
    'facts ok',
    'preflight ok',
    'plan ok',
    'engine skip',
    'certs skip',
    'agent skip',
    'network skip',
    'join skip',
    'verify ok',
  ])
  expect(events.find(({ step, event }) => step === 'agent' && event === 'skip')?.message).toBe(
    'agent runs as it should',
  )
})

it('counts what it would change', async () => {
  host.looks = [{}]
  const { changed, planned } = await run({ dryRun: true })
  expect(changed).toEqual([])
  expect(planned).toBe(events.filter(({ step, event }) => step === 'plan' && event === 'change').length)
  expect(planned).toBeGreaterThan(1)
})

it('does what is left, and keeps how far it came', async () => {
  const done = converged()
  host.looks = [{ ...done, file: (done['file'] ?? []).filter(line => !line.includes('sysctl')) }, done]
  expect(await run()).toMatchObject({ ok: true, changed: ['network'] })
  const record = await readProvisionRecord(bench.folder)
  expect(record?.steps).toMatchObject({ engine: { status: 'skipped' }, network: { status: 'done' } })
  expect(record?.undo).toEqual([{ undo: 'restore-files', paths: ['/etc/sysctl.d/60-shoal.conf'] }])
})

it('leaves no join token on a host that has joined', async () => {
  host.looks = [{ ...converged(), identity: ['token'] }, converged()]
  expect(await run()).toMatchObject({ ok: true, changed: ['join'] })
  expect(host.ran.filter(({ words }) => words.includes(REMOVE_TOKEN))).toHaveLength(1)
})

it('is not done while the host does not keep what it is told', async () => {
  host.looks = [{}]
  const result = await run()
  expect(result).toMatchObject({ ok: false, exitCode: 1, failed: { step: 'verify' } })
  expect(result.failed?.error.message).toMatch(/did not keep what was done .*engine: push Shoal 1\.2\.3/)
})

it('waits for somebody else who installs packages', async () => {
  const held = { missing: ['runc'], lock: ['/var/lib/dpkg/lock 9'] }
  host.looks = [held, held, converged()]
  const running = run()
  while (!events.some(({ message }) => message.includes('process 9'))) await new Promise(setImmediate)
  const looks = host.ran.length
  await clock.advance(2_000)
  while (host.ran.length === looks) await new Promise(setImmediate)
  await clock.advance(2_000)
  expect(await running).toMatchObject({ ok: true, changed: [] })
  expect(events.filter(({ message }) => message.includes('process 9'))).toHaveLength(1)
})

it('waits for nobody in a dry run, and says who is in the way', async () => {
  host.looks = [{ missing: ['runc'], lock: ['/var/lib/dpkg/lock 9'] }]
  expect(await run({ dryRun: true })).toMatchObject({ ok: true, changed: [] })
  expect(events.filter(({ message }) => message.includes('process 9'))).toHaveLength(1)
  expect(events.map(({ message }) => message)).toContain('engine: install runc')
})

it('gives up waiting, and names who it waited for', async () => {
  host.looks = [{ missing: ['runc'], lock: ['cloud-init -'] }]
  const result = await run({ lockWaitMs: 0 })
  expect(result).toMatchObject({ ok: false, exitCode: 3, failed: { step: 'preflight' } })
  expect(result.failed?.error.message).toMatch(/cloud-init has not finished \(.*\); it was waited for 0 s/)
})

it('gives a password to sudo and to nobody else', async () => {
  host.looks = [converged()]
  const asRoot = host.answer
  host.answer = ran =>
    ran.words[2]?.includes('id -u') === true
      ? { code: 0, stdout: 'sudo: a password is required\n', stderr: '' }
      : asRoot(ran)
  expect(await run({ sudoPassword: async () => 'open sesame' })).toMatchObject({ ok: true })
  const [, tried, look] = host.ran
  expect(tried?.stdin).toBe('open sesame\n')
  expect(look?.words.slice(0, 5)).toEqual(['sudo', '-k', '-S', '-p', ''])
  expect(look?.stdin).toBe('open sesame\n')
  expect(JSON.stringify([host.ran.map(({ words }) => words), events, bench.kept])).not.toContain('sesame')
})

it('changes nothing where a person does not want it', async () => {
  host.looks = [{ memory: ['100000'] }]
  const asked: (readonly string[])[] = []
  const confirm = async (warnings: readonly string[]): Promise<boolean> => {
    asked.push(warnings)
    return false
  }
  expect(await run({ confirm })).toMatchObject({ ok: false, exitCode: 3, changed: [] })
  expect(asked).toEqual([[expect.stringMatching(/memory/)]])
})

it('says why it cannot connect, in the exit code too', async () => {
  const connect = async (): Promise<never> => {
    throw unavailable('SSH_UNREACHABLE', 'Cannot reach it')
  }
  expect(await run({}, { connect })).toMatchObject({ ok: false, exitCode: 10, failed: { step: 'connect' } })
})

it('names a full disk instead of what a program says of it', async () => {
  const before = host.answer
  host.answer = ran =>
    ran.stdin === 'archive'
      ? { code: 1, stdout: '', stderr: 'cat: write error: No space left on device\n' }
      : before(ran)
  const result = await run()
  expect(result).toMatchObject({ ok: false, failed: { step: 'engine', error: { code: 'HOST_DISK_FULL' } } })
})

it('takes back the changes of this run, last first', async () => {
  const before = host.answer
  host.looks = [{ init: ['none'] }]
  host.answer = ran =>
    ran.words[2]?.includes('/opt/shoal/supervise start') === true && ran.words.at(-1) === 'agent'
      ? { code: 1, stdout: '', stderr: 'no' }
      : before(ran)
  const result = await run({ rollback: true })
  expect(result).toMatchObject({ ok: false, failed: { step: 'agent' }, takenBack: 'all' })
  const undone = events.filter(({ event }) => event === 'undo').map(({ message }) => message)
  expect(undone).toEqual(['stopped agent', expect.stringMatching(/^brought back/), 'removed Shoal'])
})

it('says so where something could not be taken back', async () => {
  const before = host.answer
  host.looks = [{ init: ['none'] }]
  host.answer = ran =>
    ran.words.at(-1) === 'agent' && ran.words[2]?.includes('/opt/shoal/supervise') === true
      ? { code: 1, stdout: '', stderr: 'no' }
      : before(ran)
  expect(await run({ rollback: true })).toMatchObject({ ok: false, failed: { step: 'agent' }, takenBack: 'some' })
  expect(events.filter(({ event }) => event === 'undo').map(({ message }) => message)).toEqual([
    expect.stringMatching(/^could not take back/),
    expect.stringMatching(/^brought back/),
    'removed Shoal',
  ])
  expect((await run()).takenBack).toBeUndefined()
})

it('ends with the reason when it is cancelled', async () => {
  const cancel = new AbortController()
  host.answer = () => {
    cancel.abort(new Error('enough'))
    return { code: 1, stdout: '', stderr: '' }
  }
  await expect(run({ signal: cancel.signal })).rejects.toThrow('enough')
  expect(host.closed).toBe(true)
})

it('keeps nothing of a run that only looked or was refused', async () => {
  host.looks = [{ owner: ['{"machine":"m1"}'] }]
  expect(await run()).toMatchObject({ ok: false, exitCode: 3 })
  host.looks = [{}]
  expect(await run({ dryRun: true })).toMatchObject({ ok: true, changed: [] })
  expect(bench.kept).toEqual([])
})

it('remembers steps of earlier runs', async () => {
  host.looks = [converged()]
  await run()
  await run({ from: 'network', until: 'network' })
  expect((await readProvisionRecord(bench.folder))?.steps).toMatchObject({
    engine: { status: 'skipped' },
    network: { status: 'skipped' },
  })
})

it('takes back on another connection what was done before this one broke', async () => {
  const before = host.answer
  host.looks = [{ init: ['none'] }]
  host.answer = ran => {
    if (ran.words[2]?.includes('supervise start') !== true || ran.words.at(-1) !== 'agent') return before(ran)
    host.lost = unavailable('SSH_LOST', 'The connection is gone')
    throw host.lost
  }
  const second = new FakeHost()
  const connections = [host, second]
  const connect = async (): Promise<FakeHost> => connections.shift() ?? second
  const result = await run({ rollback: true }, { connect })
  expect(result).toMatchObject({ ok: false, failed: { step: 'agent', error: { code: 'SSH_LOST' } } })
  expect(events.filter(({ event }) => event === 'undo').map(({ message }) => message)).toContain('removed Shoal')
  expect([host.closed, second.closed]).toEqual([true, true])
  expect((await readProvisionRecord(bench.folder))?.steps.agent?.status).toBe('failed')
})

it('takes back after it was cancelled, and then ends with the reason', async () => {
  const before = host.answer
  const cancel = new AbortController()
  host.looks = [{}]
  host.answer = ran => {
    if (ran.words[2]?.includes('systemctl restart') === true) cancel.abort(new Error('enough'))
    return before(ran)
  }
  await expect(run({ rollback: true, signal: cancel.signal })).rejects.toThrow('enough')
  expect(events.filter(({ event }) => event === 'undo').map(({ message }) => message)).toContain('removed Shoal')
  expect(host.closed).toBe(true)
})

it('tells of a record that cannot be kept, and closes the connection', async () => {
  host.looks = [{}]
  bench.full = failed('ENOSPC', 'The disk is full')
  expect(await run()).toMatchObject({ ok: false, failed: { error: { code: 'ENOSPC' } } })
  expect(host.closed).toBe(true)
})

it('starts a daemon again that ran before, after all else is back', async () => {
  const before = host.answer
  const done = converged()
  host.looks = [{ ...done, current: ['versions/1.0.0-000000000000'], runs: ['agent old'] }]
  let starts = 0
  host.answer = ran => {
    const isStart = ran.words[2] === START_SERVICES
    return isStart && ++starts === 1 ? { code: 1, stdout: '', stderr: 'no' } : before(ran)
  }
  expect(await run({ rollback: true })).toMatchObject({ ok: false, failed: { step: 'agent' } })
  const undone = events.filter(({ event }) => event === 'undo').map(({ message }) => message)
  expect(undone).toEqual(['switched back to 1.0.0-000000000000', 'started agent again'])
})

it('keeps the etcd of its package from starting, also after a run that was killed before it did', async () => {
  const swarm = { ...SWARM, discovery: '', master: true, agent: false }
  host.looks = [{ owner: ['{"machine":"n1","installed":["etcd-server"]}'], autostart: ['etcd'] }]
  await run({ until: 'engine' }, { machine: { ...MACHINE, swarm } })
  expect(host.ran.some(({ words }) => words[2] === DISABLE_ETCD)).toBe(true)
})

it('notes only packages that were not there before', async () => {
  const before = host.answer
  host.looks = [{ missing: ['runc', 'conmon'] }]
  host.answer = ran => (ran.words[2] === LACKING_PACKAGES ? { ...before(ran), stdout: 'conmon\n' } : before(ran))
  await run({ until: 'engine' })
  const undo = (await readProvisionRecord(bench.folder))?.undo
  const note = { undo: 'remove-packages', packages: ['conmon'], database: 'dpkg' }
  expect(undo).toContainEqual(expect.objectContaining(note))
})

it('takes back packages as a note of an earlier version says it, which did not tell whose database is asked', async () => {
  const words: (readonly string[])[] = []
  const shell = {
    async do(_what: string, script: string, given: readonly string[]) {
      if (script === REMOVE_PACKAGES) words.push(given)
      return ''
    },
  }
  const note = { undo: 'remove-packages', packages: ['conmon'], words: ['apt-get', 'remove'] } as const
  const facts = { os: { ID: 'debian', VERSION_ID: '12' } }
  await takeBack(note, { facts, shell, signal: new AbortController().signal, run: 'r' } as never)
  expect(words).toEqual([['dpkg', '2', 'apt-get', 'remove', 'conmon']])
})
