import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import {
  type ProvisionEvent,
  type ProvisionOptions,
  type ProvisionRequest,
  provisionHost,
  readProvisionRecord,
} from '../../../src/machine/index.ts'
import { ownerFile } from '../../../src/machine/provision/owner-file.ts'
import { REMOVE_TOKEN } from '../../../src/machine/provision/scripts/change-scripts.ts'
import { hostPrograms } from '../../../src/machine/provision/scripts/host-programs.ts'
import { networkFiles } from '../../../src/machine/provision/steps/network-step.ts'
import { sha256 } from '../../../src/machine/provision/wish.ts'
import { FakeHost } from './fake-host.ts'
import { BUNDLE, type Lines, MACHINE, sceneOf } from './scene.ts'

let folder = ''
let host: FakeHost
let clock: ManualClock
let events: ProvisionEvent[]
let kept: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-provision-'))
  host = new FakeHost()
  clock = new ManualClock(1_000_000)
  events = []
  kept = []
})

afterEach(() => rm(folder, { recursive: true }))

function run(options: Partial<ProvisionOptions> = {}, request: Partial<ProvisionRequest> = {}) {
  const files = {
    async writeDurably(path: string, text: string | Uint8Array): Promise<void> {
      const { writeFile } = await import('node:fs/promises')
      kept.push(text.toString())
      await writeFile(path, text)
    },
  }
  return provisionHost(
    {
      machine: MACHINE,
      address: '10.0.0.5',
      url: 'tcp://10.0.0.5:2376',
      target: { host: '10.0.0.5', port: 22, user: 'jo' },
      bundle: BUNDLE,
      connect: async () => host,
      ...request,
    },
    { signal: new AbortController().signal, onEvent: event => events.push(event), ...options },
    { clock, random: seededRandom(1), store: { folderOf: () => folder }, files },
  )
}

/** What a host tells on which all is as it is to be. */
function converged(): Lines {
  const scene = sceneOf()
  const files = [...scene.wish.files, ...hostPrograms(['agent'], 'systemd'), ...networkFiles(scene), ownerFile(scene)]
  return {
    current: ['versions/1.2.3-dddddddddddd'],
    file: files.map(({ path, content }) => `${sha256(content)} ${path}`),
    service: ['agent active'],
    runs: [`agent ${scene.wish.services[0]?.runs}`],
    owner: ['{"machine":"n1"}'],
    engine: ['{"name":"n1","version":"1.2.3","running":0}'],
  }
}

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
})

it('does what is left, and keeps how far it came', async () => {
  const done = converged()
  host.looks = [{ ...done, file: (done['file'] ?? []).filter(line => !line.includes('sysctl')) }, done]
  expect(await run()).toMatchObject({ ok: true, changed: ['network'] })
  const record = await readProvisionRecord(folder)
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
  host.looks = [{ missing: ['runc'], lock: ['/var/lib/dpkg/lock 9'] }, converged()]
  const running = run()
  while (!events.some(({ message }) => message.includes('process 9'))) await new Promise(setImmediate)
  await clock.advance(2_000)
  expect(await running).toMatchObject({ ok: true, changed: [] })
})

it('gives up waiting, and names who it waited for', async () => {
  host.looks = [{ missing: ['runc'], lock: ['cloud-init -'] }]
  const result = await run({ lockWaitMs: 0 })
  expect(result).toMatchObject({ ok: false, exitCode: 3, failed: { step: 'preflight' } })
  expect(result.failed?.error.message).toMatch(/cloud-init has not finished; it was waited for 0 s/)
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
  expect(JSON.stringify([host.ran.map(({ words }) => words), events, kept])).not.toContain('sesame')
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
  expect(result).toMatchObject({ ok: false, failed: { step: 'agent' } })
  const undone = events.filter(({ event }) => event === 'undo').map(({ message }) => message)
  expect(undone).toEqual(['stopped agent', expect.stringMatching(/^brought back/), 'removed Shoal'])
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
