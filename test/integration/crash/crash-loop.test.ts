import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { hashOf } from '../../../src/core/digest.ts'
import type { ContainerInspect, ContainerSummary, ImageSummary } from '../../../src/docker-api/index.ts'
import type { EngineOptions } from '../../../src/runtime/index.ts'
import { busyboxArchive, busyboxLayer, contextTar } from '../../support/busybox-image.ts'
import { sweepEngine } from '../../support/sweep-engine.ts'
import { isRoot, Workshop } from '../images/support.ts'
import { type CrashCall, CrashEngine } from './crash-engine.ts'
import { remainsOf, rulesOf } from './remains.ts'

/** How many points of each operation are tried, spread evenly over all of them; `SHOAL_CRASH_POINTS=all` for every one. */
const POINTS = process.env['SHOAL_CRASH_POINTS'] === 'all' ? Number.POSITIVE_INFINITY : 9
const NAME = 'victim'
const SETTLED_MS_MAX = 10_000

const directory = mkdtempSync(join(tmpdir(), 'shoal-crash-'))
const bridge = `sh-${hashOf(directory).slice(0, 8)}`
const options: EngineOptions = {
  name: 'crash',
  dataRoot: join(directory, 'data'),
  execRoot: join(directory, 'run'),
  bridge,
  bip: '10.214.77.1/24',
  cgroupParent: `/${bridge}`,
  insecureRegistries: [],
  registryMirrors: [],
  labels: [],
  manageFirewall: true,
}
const table = `shoal-${hashOf([options.name, options.dataRoot]).slice(0, 5)}`
const request = {
  Image: 'busybox:test',
  Cmd: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'],
  Volumes: { '/data': {} },
  HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
}
async function build(): Promise<CrashCall> {
  const Dockerfile = 'FROM busybox:test\nRUN echo one > /one\nCOPY extra /two\nCMD ["cat", "/one", "/two"]\n'
  const archive = (await contextTar({ Dockerfile, extra: 'two\n' })).toString('base64')
  return { operation: 'build', archive, target: 'built:1' }
}

const create: CrashCall = { operation: 'create', target: NAME, request }

describe.skipIf(!isRoot)('kill -9 at any await', () => {
  const engine = new CrashEngine(options)
  let workshop: Workshop
  let clean: readonly string[]
  let cleanRules: string

  beforeAll(async () => {
    workshop = new Workshop()
    await engine.open()
    await engine.call({ operation: 'load', archive: (await busyboxArchive()).toString('base64') })
    // The first container makes what stays: the bridge's rules, folders of kinds of things.
    await engine.call(create)
    await engine.call({ operation: 'start', target: NAME })
    await engine.call(await build())
    await removeAll()
    await engine.kill()
    await engine.open()
  })
  beforeEach(() => {
    clean = remainsOf(options, table)
    cleanRules = rulesOf(table)
  })
  afterEach(async () => {
    await engine.kill()
    await engine.open()
    await removeAll()
  })
  afterAll(async () => {
    await engine.kill()
    await sweepEngine({ directory, bridge, table, cgroup: `/${bridge}` })
    rmSync(directory, { recursive: true, force: true })
    await workshop[Symbol.asyncDispose]()
  })

  const containers = async () => (await engine.call({ operation: 'list' })).value as readonly ContainerSummary[]
  const images = async () => (await engine.call({ operation: 'images' })).value as readonly ImageSummary[]
  const tags = async () => (await images()).flatMap(({ RepoTags }) => RepoTags ?? []).toSorted()

  async function removeAll(): Promise<void> {
    for (const { Id } of await containers()) await engine.call({ operation: 'remove', target: Id })
    for (const { Id, RepoTags } of await images()) {
      if (!(RepoTags ?? []).includes('busybox:test')) await engine.call({ operation: 'removeImage', target: Id })
    }
    await engine.call({ operation: 'pruneBuilds' })
  }

  /** What is removed in the background goes within moments. */
  async function expectClean(): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + SETTLED_MS_MAX
    while (remainsOf(options, table).join('\n') !== clean.join('\n') && systemClock.monotonicMs() < deadlineMs) {
      await sleep(systemClock, 20)
    }
    expect(remainsOf(options, table)).toEqual(clean)
    expect(rulesOf(table)).toBe(cleanRules)
  }

  /** Dies at points of the call, one after the other, and looks at what the next engine makes of it. */
  async function atManyPoints(
    call: CrashCall,
    { before, after }: { before: () => Promise<void>; after: () => Promise<void> },
  ): Promise<void> {
    await before()
    const { awaits } = await engine.call(call)
    await removeAll()
    await expectClean()
    const points = Math.min(awaits, POINTS)
    expect(awaits).toBeGreaterThan(8)
    if (points === awaits) process.stderr.write(`${call.operation}: ${awaits} awaits\n`)
    for (let point = 0; point < points; point++) {
      await before()
      await engine.crashDuring(call, 1 + Math.floor((point * awaits) / points))
      await engine.open()
      await after()
      await removeAll()
      await expectClean()
    }
  }

  const nothing = async (): Promise<void> => {}
  const created = async (): Promise<void> => void (await engine.call(create))
  const started = async (): Promise<void> => {
    await created()
    await engine.call({ operation: 'start', target: NAME })
  }

  /** Wholly there: it can be looked at, started and stopped. Or wholly gone: its name is free again. */
  async function expectWholeOrGone(): Promise<void> {
    const [summary] = await containers()
    if (summary === undefined) return void (await engine.call(create))
    const { value } = await engine.call({ operation: 'inspect', target: NAME })
    const { State, Mounts } = value as ContainerInspect
    expect(['created', 'running', 'exited']).toContain(State.Status)
    expect(State.Status).toBe(summary.State)
    expect(Mounts).toHaveLength(1)
    if (!State.Running) await engine.call({ operation: 'start', target: NAME })
    const { State: now } = (await engine.call({ operation: 'inspect', target: NAME })).value as ContainerInspect
    expect(now).toMatchObject({ Status: 'running', Running: true })
    process.kill(now.Pid, 0)
    await engine.call({ operation: 'stop', target: NAME })
  }

  it('of create leaves a container or none', () => atManyPoints(create, { before: nothing, after: expectWholeOrGone }))

  it('of start leaves a container that runs or does not', () =>
    atManyPoints({ operation: 'start', target: NAME }, { before: created, after: expectWholeOrGone }))

  it('of stop leaves a container that runs or has ended', () =>
    atManyPoints({ operation: 'stop', target: NAME }, { before: started, after: expectWholeOrGone }))

  it('of remove leaves a container or none', () =>
    atManyPoints({ operation: 'remove', target: NAME }, { before: started, after: expectWholeOrGone }))

  it('of pull leaves an image or none', async () => {
    const registry = await workshop.fakeRegistry()
    const name = registry.publish('app', [await busyboxLayer({}), await busyboxLayer({ 'srv/page': 'more' })])
    await atManyPoints(
      { operation: 'pull', target: name },
      {
        before: nothing,
        after: async () => {
          if ((await tags()).includes(name)) await engine.call({ ...create, request: { ...request, Image: name } })
          await engine.call({ operation: 'pull', target: name })
          expect(await tags()).toContain(name)
        },
      },
    )
  })

  it('of build leaves an image or none, and no container of a step', async () => {
    await atManyPoints(await build(), {
      before: nothing,
      after: async () => {
        expect(await containers()).toEqual([])
        if ((await tags()).includes('built:1'))
          await engine.call({ ...create, request: { ...request, Image: 'built:1' } })
      },
    })
  })
})
