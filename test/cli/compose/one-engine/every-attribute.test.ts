import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { type UpOptions, upOnEngine } from '../../../../src/cli/commands/compose/one-engine/up-engine.ts'
import { toEngineSpec } from '../../../../src/compose/index.ts'
import { notFound } from '../../../../src/core/errors.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { COMPOSE_LABELS } from '../../../../src/core/model/compose-labels.ts'
import type { ContainerCreateRequest, Engine } from '../../../../src/docker-api/index.ts'
import { load } from '../../../compose/load.ts'
import { everySample, SAMPLE_FILES, type Sample } from '../../../compose/spec/samples.ts'
import { stubEngine } from '../../../support/stub-engine.ts'
import { containerSummary } from '../../support/container-summary.ts'

/** Over once the files are loaded, or for who builds, pulls, follows and watches: not of what runs. */
const ELSEWHERE =
  /^services\.web\.(?:attach|build|develop|env_file\.0\.required|extends|models|profiles|pull_policy|pull_refresh_after|depends_on\.db\.required)\b|^(?:include|version|models)\b/

/** Without a difference to one engine, each for a reason. */
const ALIKE = new Map([
  ['configs.own.name', 'by their names only those are looked up that a cluster keeps'],
  ['secrets.own.name', 'as configs'],
  ['networks.front.attachable', 'the sample says off, as it is anyway'],
  ['services.web.deploy.mode', 'global is one container on one engine, as the sample has anyway'],
  ['services.web.ports.0.mode', "either is a port of the engine's host"],
])

const CREATE: UpOptions = {
  dryRun: false,
  recreate: [],
  keep: false,
  start: false,
  removeOrphans: false,
  renewVolumes: false,
}

const missing = (): Promise<never> => Promise.reject(notFound('NOT_THERE', 'No such thing'))

/** An engine that has every image and nothing else, and notes what it is asked to make. */
function notingEngine(asked: unknown[]): Engine {
  const made = new Map<string, ContainerCreateRequest>()
  return stubEngine({
    containers: {
      create: async (request, { name = '', platform }) => {
        asked.push({ name, platform, request })
        made.set(`id-of-${name}`, request)
        return { Id: `id-of-${name}`, Warnings: [] }
      },
      list: async ({ filters }) =>
        (filters?.['id'] ?? []).map(id =>
          containerSummary(id.slice('id-of-'.length), { Labels: made.get(id)?.Labels ?? {}, State: 'created' }),
        ),
      writeArchive: async (id, path, { archive }) => void asked.push([id, path, await text(archive)]),
    },
    images: { inspect: async name => ({ Id: name }) as never },
    networks: {
      connect: async (...words) => void asked.push(words),
      create: async request => {
        asked.push(request)
        return { Id: request.Name, Warning: '' }
      },
      inspect: missing,
      list: async () => [],
    },
    volumes: {
      create: async request => {
        asked.push(request)
        return {} as never
      },
      inspect: missing,
    },
  })
}

interface Come {
  /** What an engine is asked for, but for the hashes of it. */
  readonly asked: string
  readonly warnings: string
}

async function come(yaml: string): Promise<Come> {
  const project = load({ ...SAMPLE_FILES, 'compose.yaml': yaml }, { env: { x: 'value' } })
  const { spec, warnings } = toEngineSpec(project)
  const asked: unknown[] = []
  const run = {
    engine: notingEngine(asked),
    clock: new ManualClock(),
    signal: new AbortController().signal,
    tell: () => {},
    warn: () => {},
    stopping: {},
  }
  await upOnEngine({ project, spec }, CREATE, run)
  const hashless = (key: string, value: unknown): unknown => (key === COMPOSE_LABELS.hash ? '' : value)
  return { asked: JSON.stringify(asked, hashless), warnings: warnings.join('\n') }
}

type Answer = 'engine' | 'refused' | 'told' | 'IGNORED'

async function answerOf({ path, having, lacking }: Sample): Promise<Answer> {
  const [given, bare] = await Promise.all(
    [having, lacking].map(yaml => come(yaml).catch((error: Error) => error.message)),
  )
  if (typeof given === 'string') return isNamed(path, given) ? 'refused' : 'IGNORED'
  if (typeof bare === 'string' || given?.asked !== bare?.asked) return 'engine'
  return given?.warnings !== bare?.warnings && isNamed(path, given?.warnings ?? '') ? 'told' : 'IGNORED'
}

/** Some part of the attribute's name, from the top; of what is external its name is told. */
function isNamed(path: string, message: string): boolean {
  const parts = path.split('.')
  const isTold = parts.some((_, index) => index > 1 && message.includes(parts.slice(0, index + 1).join('.')))
  return isTold || /external/.test(message)
}

it('comes to something on one engine, or is named, whatever the attribute', async () => {
  const ignored: string[] = []
  for (const sample of everySample()) {
    const isAsked = !ELSEWHERE.test(sample.path) && !ALIKE.has(sample.path)
    if (isAsked && (await answerOf(sample)) === 'IGNORED') ignored.push(sample.path)
  }
  expect(ignored).toEqual([])
})
