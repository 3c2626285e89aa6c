import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { LocalCluster } from '../../scripts/lib/local-cluster.ts'
import { PROJECT_IMAGES } from './project-images.ts'

/** Kinds of projects that people run, from `test/projects`, as they are: up on three hosts, used, and down again. */

const directory = mkdtempSync(join(tmpdir(), 'shoal-projects-'))
const cluster = new LocalCluster({
  directory,
  imagesDirectory: '/var/lib/shoal-demo-images',
  images: PROJECT_IMAGES,
  isMirror: true,
  bridge: 'sh-projects',
  subnet: '10.222.0',
  nodes: { n1: { disk: 'ssd', zone: 'a' }, n2: { disk: 'hdd', zone: 'b' }, n3: { disk: 'hdd', zone: 'c' } },
})

interface Row {
  readonly Name: string
  readonly Service: string
  readonly Node: string
  readonly State: string
  readonly ExitCode: number
}

interface Shown {
  readonly compose: (...args: string[]) => Promise<string>
  /** `web@running` for each container, in order. */
  readonly states: () => Promise<readonly string[]>
  readonly nodesOf: (service: string) => Promise<readonly string[]>
}

interface Case {
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly profiles?: readonly string[]
  readonly check: (shown: Shown) => Promise<void>
}

/** What a page of the shop's programs says, asked on a host. */
async function page(port: number, path = '/', node = 'n1'): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`http://${cluster.address(node)}:${port}${path}`, {
    signal: AbortSignal.timeout(20_000),
    headers: { connection: 'close' },
  })
  return { status: response.status, ...((await response.json()) as object) }
}

/** The hosts that answer on a port with different replicas, seen from one host. */
async function replicasSeen(port: number, count: number): Promise<readonly string[]> {
  const seen = new Set<string>()
  return until(`${count} replicas on port ${port}`, async () => {
    seen.add(String((await page(port))['host']))
    return seen.size === count ? [...seen] : undefined
  })
}

/** A page that a container is asked for inside the project. */
async function asked(shown: Shown, service: string, url: string): Promise<Readonly<Record<string, unknown>>> {
  const program = `import urllib.request; print(urllib.request.urlopen("${url}").read().decode())`
  return JSON.parse(await shown.compose('exec', '-T', service, 'python3', '-c', program)) as Record<string, unknown>
}

/** The image has a shell and no other programs. */
const READ_LOG = 'while read -r line; do echo "$line"; done < /state/log'

const CASES: Readonly<Record<string, Case>> = {
  'web-and-database': {
    check: async shown => {
      for (const node of cluster.nodeNames)
        expect(await page(8080, '/reach?at=db:5432', node)).toMatchObject({ status: 200 })
      await replicasSeen(8080, 3)
      expect((await shown.nodesOf('web')).toSorted()).toEqual(['n1', 'n2', 'n3'])
    },
  },
  jobs: {
    check: async ({ states, nodesOf, compose }) => {
      const done = [
        'migrate',
        ...Array.from({ length: 4 }, () => 'resize'),
        ...Array.from({ length: 3 }, () => 'warm-up'),
      ]
      expect(await states()).toEqual(['db@running', ...done.map(name => `${name}@exited 0`), 'web@running'])
      expect((await nodesOf('warm-up')).toSorted()).toEqual(['n1', 'n2', 'n3'])
      expect(await compose('logs', '--no-log-prefix', 'migrate')).toContain('reached db:5432 at')
    },
  },
  secrets: {
    env: { API_TOKEN: 'letmein' },
    check: async shown => {
      const file = (path: string) => asked(shown, 'api', `http://localhost/file?path=${path}`)
      expect(await file('/run/secrets/key')).toMatchObject({ text: 'a key\n', uid: 0, mode: '444' })
      expect(await file('/run/secrets/api_token')).toEqual({ text: 'letmein', uid: 1000, mode: '400' })
      expect(await file('/banner')).toMatchObject({ text: 'Welcome to the shop' })
      expect(await file('/etc/api/settings.json')).toMatchObject({ text: '{}\n' })
      const program = 'print(open("/run/secrets/key").read(), open("/banner").read())'
      const once = await shown.compose(
        'run',
        '--rm',
        '-T',
        '--no-deps',
        '--entrypoint',
        'python3',
        'api',
        '-c',
        program,
      )
      expect(once).toMatch(/^a key\n Welcome to the shop/)
      expect(await asked(shown, 'api', 'http://localhost/reach?at=proxy:80')).toMatchObject({
        addresses: [expect.any(String)],
      })
    },
  },
  profiles: {
    profiles: ['debugging', 'operations'],
    check: async ({ states }) => {
      expect(await states()).toEqual(['backup@exited 0', 'debugger@running', 'web@running'])
      expect(await page(8080)).toMatchObject({ status: 200, arguments: ['serve', '80'] })
    },
  },
  'replicated-database': {
    check: async ({ nodesOf, compose }) => {
      expect(await nodesOf('primary')).toEqual(['n1'])
      expect(new Set(await nodesOf('replica')).size).toBe(2)
      await compose('exec', '-T', 'replica', 'pg_isready', '-h', 'primary')
    },
  },
  'several-files': {
    files: ['base.yaml', 'production.yaml'],
    env: { TAG: '1' },
    check: async shown => {
      expect(await shown.nodesOf('db')).toEqual(['n1'])
      expect(await shown.nodesOf('web')).toHaveLength(3)
      const { environment } = await asked(shown, 'web', 'http://localhost/')
      expect(environment).toMatchObject({ MODE: 'production' })
      const answer = await fetch(`http://${cluster.address('n3')}/`, { headers: { connection: 'close' } })
      expect(await answer.text()).toBe('the proxy\n')
      // The base file's port was taken away.
      await expect(page(8080)).rejects.toThrow()
    },
  },
  graceful: {
    check: async ({ compose }) => {
      expect(await compose('exec', '-T', 'cache', 'redis-cli', 'get', 'warm')).toBe('yes\n')
      expect(await compose('port', 'cache', '6379')).toMatch(/:8090\n$/)
      await compose('stop', 'cache')
      await compose('start', 'cache')
      const log = await until('the cache to be back', () =>
        compose('exec', '-T', 'cache', 'sh', '-c', READ_LOG).catch(() => undefined),
      )
      expect(log).toContain('warmed\ndrained for good\nwarmed\n')
      const withFile = (more: string) =>
        ['compose.yaml', more].flatMap(name => ['-f', resolve('test/projects/graceful', name)])
      const once = ['run', '--rm', '-T', 'reader', 'sh', '-c', READ_LOG]
      expect(await compose(...withFile('reader.yaml'), ...once)).toBe(log)
      // It was said by a container that is no more.
      await expect(compose(...withFile('broken.yaml'), 'up', '-d', '--wait')).rejects.toThrow(
        / {2}>>> 'no-such-option'/,
      )
      await until('the change to be taken back', () =>
        compose('exec', '-T', 'cache', 'redis-cli', 'ping').catch(() => undefined),
      )
      // Copies on other hosts go with it, as of a volume that was given up with its host.
      for (const node of cluster.nodeNames) {
        const body = JSON.stringify({ Name: 'graceful_state' })
        const headers = { 'content-type': 'application/json' }
        await fetch(`http://${cluster.address(node)}:2375/volumes/create`, { method: 'POST', headers, body })
      }
      expect(await volumesOf('graceful')).toHaveLength(3)
    },
  },
  monorepo: {
    check: async shown => {
      expect(await page(8080)).toMatchObject({ environment: { LOG_LEVEL: 'info' }, arguments: ['serve', '8080'] })
      expect((await page(8080, '/reach?at=mail:80'))['addresses']).toHaveLength(2)
      expect(await page(8080, '/reach?at=payments:80')).toMatchObject({ status: 503 })
      const key = await asked(shown, 'payments', 'http://localhost/file?path=/keys/public.pem')
      expect(String(key['text'])).not.toBe('')
    },
  },
  'build-farm': {
    check: async ({ nodesOf }) => {
      const nodes = await nodesOf('runner')
      expect(nodes.toSorted()).toEqual(['n1', 'n1', 'n2', 'n2', 'n3', 'n3'])
      expect(await page(8000, '/reach?at=runner:1')).toMatchObject({ status: 503 })
    },
  },
  voting: {
    check: async shown => {
      await replicasSeen(5000, 2)
      expect(await page(5000, '/reach?at=redis:6379')).toMatchObject({ status: 200 })
      expect(await page(5001, '/reach?at=db:5432', 'n2')).toMatchObject({ status: 200 })
      const command = 'import socket; print(socket.create_connection(("redis", 6379), 5).getpeername()[1])'
      expect(await shown.compose('exec', '-T', 'worker', 'python3', '-c', command)).toBe('6379\n')
      const notes = 'print(open("/etc/motd").read(), end="")'
      expect(await shown.compose('exec', '-T', 'worker', 'python3', '-c', notes)).toBe('counts votes\n')
    },
  },
}

function shownOf(project: string, { files = [], env = {}, profiles = [] }: Case): Shown {
  const place = ['--project-directory', resolve('test/projects', project)]
  const named = files.flatMap(file => ['-f', resolve('test/projects', project, file)])
  const compose: Shown['compose'] = (...args) =>
    cluster.run('compose', [...place, ...named, ...profiles.flatMap(name => ['--profile', name]), ...args], env)
  const rows = async (): Promise<readonly Row[]> => {
    const lines = (await compose('ps', '-a', '--format', 'json')).trim().split('\n')
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as Row)
  }
  const stateOf = ({ Service, State, ExitCode }: Row): string =>
    `${Service}@${State}${State === 'exited' ? ` ${ExitCode}` : ''}`
  return {
    compose,
    states: async () => (await rows()).map(stateOf).toSorted(),
    nodesOf: async service => (await rows()).filter(row => row.Service === service).map(row => row.Node),
  }
}

/** The volumes of a project on all hosts. */
async function volumesOf(project: string): Promise<readonly string[]> {
  const { Volumes } = (await cluster.call('GET', '/volumes')) as { Volumes: readonly { Name: string }[] | null }
  return (Volumes ?? []).map(({ Name }) => Name).filter(name => name.replace(/^.*\//, '').startsWith(`${project}_`))
}

/** Names of what is there of a project on the hosts, by their own engines. */
async function leftOf(project: string): Promise<readonly string[]> {
  const rows = (await cluster.call('GET', '/containers/json?all=1')) as {
    Labels: Record<string, string>
    Names: string[]
  }[]
  const containers = rows
    .filter(({ Labels }) => Labels['com.docker.compose.project'] === project)
    .map(({ Names }) => Names[0] ?? '')
  return [...containers, ...(await volumesOf(project))]
}

describe('kinds of projects on three hosts', () => {
  beforeAll(() => cluster.start(), 300_000)
  afterAll(() => cluster.remove(), 120_000)

  it.each(Object.keys(CASES))('%s', async name => {
    const project = CASES[name]
    if (project === undefined) throw new Error('no such project')
    const shown = shownOf(name, project)
    try {
      await shown.compose('up', '-d', '--wait', '--wait-timeout', '120')
      // Programs without a health check are up before they answer.
      await until(`${name} to do its work`, () => project.check(shown).then(() => true), { timeoutMs: 90_000 })
    } finally {
      await shown.compose('down', '-v')
    }
    await until('all to be gone', async () => ((await leftOf(name)).length === 0 ? true : undefined))
  })
})
