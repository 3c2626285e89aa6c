import { cpSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
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

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs docker-compose 1.29.2. */
async function runTheirs({ url }: PeerEngine, cwd: string, words: readonly string[]): Promise<Outcome> {
  const environment = { DOCKER_HOST: url, COMPOSE_HTTP_TIMEOUT: '50', COMPOSE_DOCKER_CLI_BUILD: '0', VALUE: 'given' }
  const outcome = await runProgram(['docker-compose', '--no-ansi', ...words], { cwd, environment })
  return { ...outcome, stdout: outcome.stdout.toString() }
}

function runOurs({ url }: PeerEngine, cwd: string, words: readonly string[]): Promise<Outcome> {
  const options = { cwd, environment: { VALUE: 'given' }, timeoutMs: COMMAND_MS_MAX }
  return shoal(url, ['compose', ...words], options)
}

/** Runs docker-compose 1.29.2; it must succeed. */
async function theirs(engine: PeerEngine, cwd: string, ...words: string[]): Promise<void> {
  const { code, stderr } = await runTheirs(engine, cwd, words)
  expect(code, stderr).toBe(0)
}

/** Runs ours; it must succeed. Resolves with what it printed. */
async function ours(engine: PeerEngine, cwd: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runOurs(engine, cwd, words)
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

/** A directory of its own with a project in it. */
function copyOf(project: string, engine: PeerEngine, place: string): string {
  const cwd = join(directory(), engine.name, place, project)
  cpSync(join(import.meta.dirname, 'projects', project), cwd, { recursive: true })
  return cwd
}

async function isAtRest(client: DockerClient, project: string): Promise<boolean> {
  const filters = { label: [`com.docker.compose.project=${project}`] }
  return (await client.containers.list({ filters })).length === 0
}

/** What differs between what the two programs make of a project on an engine, but for what is to differ. */
async function differencesOn(engine: PeerEngine, project: string): Promise<readonly string[]> {
  const cwd = copyOf(project, engine, 'made')
  const state = () =>
    withClient(engine, async client => {
      // One-shot work ends a moment after it was started.
      if (project === 'built')
        await until('the work to end', async () => (await isAtRest(client, project)) || undefined)
      return engineState(client, project)
    })
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

/** What both are asked, one after the other, of the containers that stand behind the words before. `␣` is a blank in a word. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  looks: [
    'ps -q',
    'ps -q after',
    'ps --services',
    'port after 8080',
    'config --services',
    'top after',
    '-f gone.yml ps',
  ],
  runs: [
    'exec -T after sh -c exit␣7',
    'exec -T nope true',
    'run --rm -T --no-deps after sh -c echo␣once;exit␣3',
    'up -d nope',
    '-f docker-compose.yml -f job.yml up --exit-code-from job job',
  ],
  changes: ['pause healthy', 'pause healthy', 'unpause healthy', 'stop -t 0 after', 'kill after', 'start after'],
  ends: ['restart -t 0 after', 'rm -f', 'down -t 0', 'down -t 0'],
}

/** Lines of which only the code is the same: what is printed is for people. */
const TELLS = /^(?:ps|port|config|run)/

/** What comes of each line on containers of the same kind: its code, and what it printed if that is for programs. */
async function answersOf(
  lines: readonly string[],
  run: (words: readonly string[]) => Promise<Outcome>,
  up: () => Promise<unknown>,
): Promise<Map<string, string>> {
  await up()
  const answers = new Map<string, string>()
  for (const line of lines) {
    const { code, stdout } = await run(line.split(' ').map(word => word.replaceAll('␣', ' ')))
    const told = TELLS.test(line) ? stdout.trim().split('\n').toSorted().join(' ') : ''
    const key = `answer ${line}${answers.has(`answer ${line}`) ? ' again' : ''}`
    answers.set(key, `${code} ${told.replaceAll(/[0-9a-f]{64}/g, '<id>')}`)
  }
  return answers
}

/** The labels of what `run` makes. */
async function oneOffLabels(engine: PeerEngine, name: string): Promise<Map<string, string>> {
  const { Config } = await withClient(engine, client => client.containers.inspect(name))
  const labels = Object.entries(Config.Labels ?? {}).map(([key, value]): [string, string] => [
    `container once Config Labels ${key}`,
    key.endsWith('.slug') ? value.replace(/^[0-9a-f]+$/, '<digits>') : value,
  ])
  return new Map(labels)
}

describe('compose on one engine, beside docker-compose 1.29.2', () => {
  it.each(PROJECTS)('makes the same of the project %s, on a stock engine and on ours', async project => {
    const found = await Promise.all(engines().map(engine => differencesOn(engine, project)))
    expect(found.flat()).toEqual([])
  })

  it.each(Object.entries(LINES))('answers the same, and ends with the same codes: %s', async (kind, lines) => {
    await Promise.all(
      engines().map(async engine => {
        const cwd = copyOf('pair', engine, kind)
        const job = 'version: "2.4"\nservices: {job: {image: "busybox:test", command: sh -c "exit 5"}}\n'
        await writeFile(join(cwd, 'job.yml'), job)
        const up = () => theirs(engine, cwd, 'up', '-d')
        const expected = await answersOf(lines, words => runTheirs(engine, cwd, words), up)
        const own = await answersOf(lines, words => runOurs(engine, cwd, words), up)
        expect(own.size).toBe(lines.length)
        expect(differences(expected, own).filter(each => !isDeliberate(each))).toEqual([])
        await theirs(engine, cwd, 'down', '-t', '0')
      }),
    )
  })

  it('labels what run makes as docker-compose does', async () => {
    await Promise.all(
      engines().map(async engine => {
        const cwd = copyOf('web', engine, 'once')
        const words = ['run', '-d', '--no-deps', '--name']
        await theirs(engine, cwd, ...words, 'once-theirs', 'store')
        await ours(engine, cwd, ...words, 'once-ours', 'store')
        const [first, second] = [await oneOffLabels(engine, 'once-theirs'), await oneOffLabels(engine, 'once-ours')]
        expect(differences(first, second).filter(each => !isDeliberate(each))).toEqual([])
        expect(await ours(engine, cwd, 'ps', '-a', '--format', '{{.Name}}')).toBe('once-ours\nonce-theirs\n')
        expect(await ours(engine, cwd, 'ps', '-q')).toBe('')
        await ours(engine, cwd, 'down', '-v', '-t', '0')
        expect(await ours(engine, cwd, 'ps', '-aq')).toBe('')
      }),
    )
  })

  it('works on what docker-compose has made', async () => {
    await Promise.all(
      engines().map(async engine => {
        const cwd = copyOf('web', engine, 'used')
        await theirs(engine, cwd, 'up', '-d')
        expect(await ours(engine, cwd, 'volumes', '-q')).toBe('web_pages\n')
        expect(await ours(engine, cwd, 'volumes', '-q', 'store')).toBe('')
        await ours(engine, cwd, 'exec', '-T', 'store', 'touch', '/kept')
        const id = (await ours(engine, cwd, 'commit', '-m', 'as it is', 'store', 'web:kept')).trim()
        const { Id, Comment } = await withClient(engine, client => client.images.inspect('web:kept'))
        expect([Id, Comment]).toEqual([id, 'as it is'])
        await ours(engine, cwd, 'stop', '-t', '0')
        await ours(engine, cwd, 'start', '--wait')
        expect(await ours(engine, cwd, 'ps', '--services')).toBe('store\nweb\n')
        await ours(engine, cwd, 'stop', 'store')
        const attached = await runOurs(engine, cwd, ['attach', 'store'])
        expect(attached).toMatchObject({ code: 1, stderr: expect.stringContaining('service "store" is not running') })
        await ours(engine, cwd, 'kill', '--remove-orphans')
        await ours(engine, cwd, 'down', '-v', '-t', '0')
        await withClient(engine, client => client.images.remove('web:kept', {}))
      }),
    )
  })
})
