import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { CommandContext, Invocation, Options } from '../../../../src/cli/command.ts'
import type { ManagerApi } from '../../../../src/cli/commands/compose/manager-api.ts'
import { pullWhatIsMissing } from '../../../../src/cli/commands/compose/up/pull-missing.ts'
import { failed, notFound } from '../../../../src/core/errors.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import type { ContainerSpec, ProjectSpec } from '../../../../src/core/model/service.ts'
import { stubEngine } from '../../../support/stub-engine.ts'

const HOUR_MS = 3_600_000
const options: Options = {
  flag: () => false,
  choice: () => undefined,
  text: () => undefined,
  list: () => [],
  number: () => undefined,
}

/** What an engine that has `old` and `new` is made to pull for one service, and what is told. */
function pulledFor(container: ContainerSpec, answer?: Error): Promise<readonly string[]> {
  return pulledForAll({ a: { container } }, answer)
}

async function pulledForAll(
  wanted: Readonly<Record<string, { readonly container: ContainerSpec; readonly platform?: string }>>,
  answer?: Error,
): Promise<readonly string[]> {
  const clock = new ManualClock()
  const given = new Map([
    ['old', clock.nowMs() - 30 * HOUR_MS],
    ['new', clock.nowMs() - HOUR_MS],
  ])
  const told: string[] = []
  const engine = stubEngine({
    images: {
      inspect: async name => {
        const ms = given.get(name)
        if (ms === undefined) throw notFound('NO_IMAGE', `No such image: ${name}`)
        return { Id: name, Metadata: { LastTagTime: new Date(ms).toISOString() } } as never
      },
      pull: async (name, { platform = '' }) => {
        told.push(`pull ${name} ${platform}`.trimEnd())
        if (answer !== undefined) throw answer
        return name
      },
    },
  })
  const signal = new AbortController().signal
  const context = {
    clock,
    signal,
    env: { HOME: '/nonexistent' },
    stderr: new PassThrough(),
  } as unknown as CommandContext
  const spec = {
    services: Object.entries(wanted).map(([name, { container }]) => ({ name, container })),
  } as unknown as ProjectSpec
  const progress = {
    tell: () => {},
    parts: () => {},
    print: () => {},
    between: (write: () => void) => write(),
    end: () => {},
    warn: (message: string) => told.push(message),
  }
  await pullWhatIsMissing(
    { project: { model: { services: wanted } } as never, spec, api: { engine } as unknown as ManagerApi },
    { invocation: { options } as unknown as Invocation, context, progress },
  )
  return told
}

describe('pulling for one engine', () => {
  it.each([
    ['what is not there', { image: 'absent' }, ['pull absent']],
    ['nothing that is there', { image: 'old' }, []],
    ['what is to be pulled always', { image: 'new', pullPolicy: 'always' }, ['pull new']],
    ['nothing where nothing may be pulled', { image: 'absent', pullPolicy: 'never' }, []],
    ['what was pulled too long ago', { image: 'old', pullAfterMs: 24 * HOUR_MS }, ['pull old']],
    ['nothing that is newer', { image: 'new', pullAfterMs: 24 * HOUR_MS }, []],
  ] as const)('brings %s', async (_, container, told) => {
    expect(await pulledFor(container)).toEqual(told)
  })

  it('hears the one of several services of an image that asks for most', async () => {
    const asks = { container: { image: 'absent' } }
    const never: ContainerSpec = { image: 'absent', pullPolicy: 'never' }
    expect(await pulledForAll({ a: asks, b: { container: never } })).toEqual(['pull absent'])
    const always: ContainerSpec = { image: 'new', pullPolicy: 'always' }
    expect(await pulledForAll({ a: { container: always }, b: { container: { image: 'new' } } })).toEqual(['pull new'])
    const [day, week] = [24, 7 * 24].map(hours => ({ container: { image: 'old', pullAfterMs: hours * HOUR_MS } }))
    if (day === undefined || week === undefined) throw new Error('There are two')
    expect(await pulledForAll({ day, week })).toEqual(['pull old'])
    expect(await pulledForAll({ a: { container: never }, b: { container: never } })).toEqual([])
  })

  it('brings an image for each platform that it is wanted for', async () => {
    const container = { image: 'absent' }
    const told = await pulledForAll({ a: { container, platform: 'linux/arm64' }, b: { container }, c: { container } })
    expect(told.toSorted()).toEqual(['pull absent', 'pull absent linux/arm64'])
  })

  it('runs what is there when it cannot be pulled anew, and nothing else', async () => {
    const refused = failed('PULL_FAILED', 'no such registry')
    expect(await pulledFor({ image: 'old', pullAfterMs: HOUR_MS }, refused)).toEqual([
      'pull old',
      'Cannot pull old: no such registry',
    ])
    await expect(pulledFor({ image: 'absent' }, refused)).rejects.toThrow('Cannot pull absent: no such registry')
  })
})
