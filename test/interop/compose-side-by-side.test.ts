import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createDockerClient, type DockerClient } from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { shoal } from '../support/docker-cli.ts'
import type { PeerEngine } from '../support/peer-engine.ts'
import { isDeliberate } from './compose-differences.ts'
import { differences, engineState } from './support/engine-state.ts'
import { runProgram } from './support/program.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { directory, engines } = twoEngines({ subnet: 228, images: [image] })
const COMMAND_MS_MAX = 90_000

/** Runs docker-compose 1.29.2; it must succeed. */
async function theirs({ url }: PeerEngine, cwd: string, ...words: string[]): Promise<void> {
  const environment = { DOCKER_HOST: url, COMPOSE_HTTP_TIMEOUT: '50', COMPOSE_DOCKER_CLI_BUILD: '0', VALUE: 'given' }
  const { code, stderr } = await runProgram(['docker-compose', '--no-ansi', ...words], { cwd, environment })
  expect(code, stderr).toBe(0)
}

/** Runs ours; it must succeed. Resolves with what it printed. */
async function ours({ url }: PeerEngine, cwd: string, ...words: string[]): Promise<string> {
  const options = { cwd, environment: { VALUE: 'given' }, timeoutMs: COMMAND_MS_MAX }
  const { code, stdout, stderr } = await shoal(url, ['compose', ...words], options)
  expect(code, stderr).toBe(0)
  return stdout
}

async function withClient<T>({ url }: PeerEngine, work: (client: DockerClient) => Promise<T>): Promise<T> {
  const client = createDockerClient(url, { clock: systemClock })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

const PROJECTS = ['web', 'pair', 'built', 'many', 'limits']

/** What differs between what the two programs make of a project on an engine, but for what is to differ. */
async function differencesOn(engine: PeerEngine, project: string): Promise<readonly string[]> {
  const cwd = join(directory(), engine.name, project)
  cpSync(join(import.meta.dirname, 'projects', project), cwd, { recursive: true })
  const state = () => withClient(engine, client => engineState(client, project))
  await theirs(engine, cwd, 'up', '-d')
  const made = await state()
  expect(made.size).toBeGreaterThan(10)
  await theirs(engine, cwd, 'down', '-v', '-t', '0')
  await ours(engine, cwd, 'up', '-d')
  const own = await state()
  expect(await ours(engine, cwd, 'plan')).toMatch(/everything is unchanged\n$/)
  // What ours has made, theirs knows, and takes away.
  await theirs(engine, cwd, 'down', '-v', '-t', '0')
  expect((await state()).size).toBe(0)
  return differences(made, own).filter(each => !isDeliberate(each))
}

describe('compose on one engine, beside docker-compose 1.29.2', () => {
  it.each(PROJECTS)('makes the same of the project %s, on a stock engine and on ours', async project => {
    const found = await Promise.all(engines().map(engine => differencesOn(engine, project)))
    expect(found.flat()).toEqual([])
  })
})
