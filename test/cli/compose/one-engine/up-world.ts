import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type UpOptions, type UpResult, upOnEngine } from '../../../../src/cli/commands/compose/one-engine/up-engine.ts'
import { loadProject, nodeFileReader, toEngineSpec } from '../../../../src/compose/index.ts'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { FakeEngine } from '../../../support/fake-engine.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-up-engine-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const PLAIN: UpOptions = {
  dryRun: false,
  recreate: [],
  keep: false,
  start: true,
  removeOrphans: false,
  renewVolumes: false,
}

/** An engine, and what brings it to what a file says. */
export function world() {
  const clock = new ManualClock()
  const fake = new FakeEngine(clock, ['db:1', 'db:2', 'web:1'])
  const told: string[] = []
  const run = {
    engine: fake.engine,
    clock,
    signal: AbortSignal.timeout(10_000),
    tell: (what: string, news: string) => void told.push(`${what} ${news}`),
    warn: (message: string) => void told.push(message),
    stopping: {},
    hooks: new Map(),
  }
  const up = async (
    text: string,
    options: Partial<UpOptions> = {},
    services: readonly string[] = [],
  ): Promise<UpResult> => {
    const file = join(directory, 'compose.yaml')
    writeFileSync(file, text)
    // Services are named as with --no-deps.
    const load = { cwd: directory, env: {}, files: [file], services, withDependencies: services.length === 0 }
    const project = loadProject(load, nodeFileReader)
    const { spec } = toEngineSpec(project)
    fake.calls.length = 0
    return upOnEngine({ project, spec }, { ...PLAIN, ...options }, run)
  }
  return { clock, fake, told, run, up }
}
