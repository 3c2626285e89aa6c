import { cpSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256Digest } from '../../src/core/digest.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type CliOptions, type CliResult, shoal } from '../support/docker-cli.ts'
import type { PeerEngine } from '../support/peer-engine.ts'
import { runProgram } from './support/program.ts'
import { twoEngines } from './support/two-engines.ts'

/** Compose's commands where one engine stands behind them: a stock one and ours, at the same time. */

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { directory, engines } = twoEngines({ subnet: 229, images: [image] })
const COMMAND_MS_MAX = 90_000

/** A project of a name of its own on one engine. */
class Project {
  readonly engine: PeerEngine
  readonly cwd: string
  readonly #name: string

  constructor(engine: PeerEngine, name: string) {
    this.engine = engine
    this.#name = name
    this.cwd = join(directory(), engine.name, name)
    cpSync(join(import.meta.dirname, 'projects', 'whole'), this.cwd, { recursive: true })
  }

  /** Resolves with whatever came of it. A word of several words has `␣` between them. */
  run(words: string, options: CliOptions = {}): Promise<CliResult> {
    const environment = { TOKEN: 'sesame ', ...options.environment }
    const written = words.split(' ').filter(word => word !== '')
    const argv = ['compose', '-p', this.#name, ...written.map(word => word.replaceAll('␣', ' '))]
    return shoal(this.engine.url, argv, { cwd: this.cwd, timeoutMs: COMMAND_MS_MAX, ...options, environment })
  }

  /** Resolves with what it printed; it must succeed. */
  async ok(words: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(words, { environment })
    if (code !== 0) throw new Error(`compose ${words}: ${code}: ${stderr}`)
    return stdout
  }

  /** Each container as a template has it, in the order of names. */
  async list(template: string, flags = '-a'): Promise<readonly string[]> {
    const lines = (await this.ok(`ps ${flags} --format ${template.replaceAll(' ', '␣')}`)).split('\n')
    return lines.filter(line => line !== '').map(line => line.replaceAll(`${this.#name}-`, ''))
  }
}

/** Does the same on both engines, and takes down what it has made. */
async function onBoth(name: string, work: (project: Project) => Promise<void>): Promise<void> {
  await Promise.all(
    engines().map(async engine => {
      const project = new Project(engine, name)
      try {
        await work(project)
      } finally {
        await project.run('--profile * down -v -t 0 --rmi local --remove-orphans')
      }
    }),
  )
}

describe('compose on one engine', () => {
  it('starts what depends on others when they are as far, and looks into what runs', () =>
    onBoth('looked', async project => {
      await project.ok('up -d')
      expect(await project.list('{{.Name}} {{.State}} {{.Health}}')).toEqual([
        'built-1 running ',
        'db-1 running healthy',
        'init-1 exited ',
        'web-1 running ',
      ])
      expect(await project.ok('logs --no-log-prefix web')).toBe('sesame a setting\n')
      expect((await project.run('exec -T web sh -c exit␣7')).code).toBe(7)
      expect(await project.ok('exec -T built cat /edition')).toBe('first edition\n')
      expect(await project.ok('port web 80')).toMatch(/^0\.0\.0\.0:\d+\n$/)
      expect(await project.ok('top web')).toMatch(/^SERVICE +# .*CMD\nweb +1 .*httpd -f -p 80\n$/)
      expect(await project.ok('images built')).toMatch(/looked-built-1 +looked-built +latest/)
      expect(await project.ok('ls')).toMatch(/^NAME.*\nlooked +exited\(1\), running\(3\) +4 .*compose\.yaml\n$/)
      await project.ok('cp compose.yaml web:/tmp/there')
      expect(await project.ok('exec -T web head -n 1 /tmp/there')).toContain('# Conditions')
      expect(await project.ok('stats --no-stream --format {{.Name}} db')).toBe('looked-db-1\n')
      const events = await project.ok('events --json --since 5m --until 0s init')
      expect(events.split('\n')[0]).toContain('"service":"init"')
      expect(await project.ok('plan')).toMatch(/everything is unchanged\n$/)
      expect(await project.ok('down --dry-run')).toContain('- remove network looked_default')
    }))

  it('stops, starts, restarts, pauses and kills containers where they are', () =>
    onBoth('acted', async project => {
      await project.ok('up -d --wait web db')
      const states = (): Promise<readonly string[]> => project.list('{{.Service}} {{.State}}')
      const started = await project.ok('exec -T web cat /proc/1/stat')
      await project.ok('restart -t 0 db')
      // It says that it restarts with what it needs.
      expect(await project.ok('exec -T web cat /proc/1/stat')).not.toBe(started)
      await project.ok('pause db')
      expect(await states()).toContain('db paused')
      expect(await project.run('pause db')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Error response from daemon: .*already paused/),
      })
      await project.ok('unpause db')
      await project.ok('stop web')
      expect(await states()).toEqual(['db running', 'init exited', 'web exited'])
      await project.ok('start')
      await project.ok('kill -s KILL web')
      await project.ok('rm -f')
      expect(await states()).toEqual(['db running'])
      await project.ok('down -t 0')
      expect(await project.run('start')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no container found'),
      })
      expect((await project.run('down')).stderr).toContain('No resource found to remove for project "acted"')
    }))

  it('replaces what has changed and nothing else, and numbers replicas as docker compose does', () =>
    onBoth('changed', async project => {
      const ids = async (): Promise<Readonly<Record<string, string>>> =>
        Object.fromEntries((await project.list('{{.Name}} {{.ID}}')).map(line => line.split(' ') as [string, string]))
      const volume = (): Promise<string> =>
        project.ok('exec -T db sh -c grep␣-o␣"[0-9a-f]*/_data␣/anon"␣/proc/self/mountinfo')
      await project.ok('up -d --scale web=2')
      const first = await ids()
      await project.ok('up -d --scale web=2', { SHADE: 'dark' })
      const second = await ids()
      expect(Object.keys(second)).toEqual(['built-1', 'db-1', 'init-1', 'web-1', 'web-2'])
      const replaced = Object.keys(first).filter(name => first[name] !== second[name])
      expect(replaced).toEqual(['web-1', 'web-2'])
      await project.ok('up -d --no-recreate --scale web=3', { SHADE: 'other' })
      const third = await ids()
      expect([third['web-1'], third['web-2'], 'web-3' in third]).toEqual([second['web-1'], second['web-2'], true])
      await project.ok('scale web=1')
      const kept = await volume()
      await project.ok('up -d --force-recreate --no-deps db', { SHADE: 'other' })
      expect((await ids())['db-1']).not.toBe(third['db-1'])
      expect(await volume()).toBe(kept)
      await project.ok('up -d --force-recreate -V --no-deps db', { SHADE: 'other' })
      expect(await volume()).not.toBe(kept)
      await project.ok('build -q --build-arg EDITION=second built')
      await project.ok('up -d --no-deps built')
      expect(await project.ok('exec -T built cat /edition')).toBe('second edition\n')
    }))

  it('tells of orphans, and removes them where that is asked for', () =>
    onBoth('orphans', async project => {
      await project.ok('up -d db')
      await writeFile(
        join(project.cwd, 'compose.yaml'),
        'services: {other: {image: "busybox:test", command: sleep 600, stop_grace_period: 0s}}\n',
      )
      expect((await project.run('up -d')).stderr).toMatch(/Found orphan containers \(\[orphans-db-1\]\)/)
      expect((await project.run('down')).stderr).toMatch(/Network orphans_default .*in use/)
      await project.ok('up -d --remove-orphans')
      expect(await project.list('{{.Name}}')).toEqual(['other-1'])
    }))

  it('shows what containers print while they start, and ends with the code of one', () =>
    onBoth('attached', async project => {
      await project.ok('create')
      expect(await project.list('{{.Service}} {{.State}}')).toContain('web created')
      const ended = await project.run('--profile tools up --abort-on-container-failure', { environment: { WORD: 'x' } })
      expect([ended.code, ended.stderr]).toEqual([3, expect.stringMatching(/tool-1 exited with code 3\n[^]*Aborting/)])
      expect(ended.stdout).toMatch(/^db-1 +\| db ready$/m)
      expect(await project.list('{{.Service}} {{.State}}', '')).toEqual([])
      const named = await project.run('up --exit-code-from init init')
      expect([named.code, named.stdout]).toEqual([0, expect.stringMatching(/^init-1 +\| initialised$/m)])
      const left = await project.run('up db', { until: 'db ready' })
      expect([left.code, left.stderr]).toEqual([130, expect.stringContaining('Gracefully stopping')])
      expect(await project.list('{{.Service}} {{.State}}', '')).toEqual([])
    }))

  it('runs a service once, beside what it depends on', () =>
    onBoth('once', async project => {
      const ran = await project.run('run --rm -e WORD=said tool')
      expect([ran.code, ran.stdout]).toEqual([3, 'tool said\n'])
      const piped = await project.run(
        'run --rm -T --no-deps -v named:/data tool sh -c cat;␣echo␣$HOSTNAME␣>␣/data/file',
        { input: 'in\n' },
      )
      expect([piped.code, piped.stdout]).toEqual([0, 'in\n'])
      expect(await project.list('{{.Service}} {{.State}}')).toEqual(['db running'])
      await project.ok('run -d --name once-stray --service-ports web')
      await project.ok('down -v -t 0')
      const { stdout } = await runProgram(['docker', '-H', project.engine.url, 'ps', '-aq', '--filter', 'name=once-'])
      expect(stdout.toString()).toBe('')
    }))

  it('refuses by name what cannot be, and makes nothing of a project then', () =>
    onBoth('refused', async project => {
      const refusal = async (yaml: string): Promise<string> => {
        await writeFile(join(project.cwd, 'compose.yaml'), yaml)
        const { code, stderr } = await project.run('up -d')
        expect(code).toBe(1)
        return stderr
      }
      const service = (more: string): string => `services: {a: {image: "busybox:test", ${more}}}\n`
      expect(await refusal(service('post_start: [{command: "true"}]'))).toContain('services.a.post_start')
      expect(await refusal(service('credential_spec: {file: x}'))).toContain('services.a.credential_spec')
      expect(await refusal(`${service('networks: [n]')}networks: {n: {external: true}}\n`)).toMatch(
        /network n declared as external, but could not be found/,
      )
      expect(await refusal(`${service('volumes: ["v:/v"]')}volumes: {v: {external: true}}\n`)).toMatch(
        /external volume "v" not found/,
      )
      expect(await project.list('{{.Name}}')).toEqual([])
      expect(await refusal('services: {a: {image: "busybox:test", command: no-such-program}}\n')).toMatch(
        /Error response from daemon: .*no-such-program/,
      )
    }))

  it('follows a docker context to the engine', () =>
    onBoth('context', async ({ cwd, engine }) => {
      const config = join(cwd, 'config')
      const meta = join(config, 'contexts', 'meta', sha256Digest('laptop').slice('sha256:'.length))
      await mkdir(meta, { recursive: true })
      const context = {
        Name: 'laptop',
        Metadata: {},
        Endpoints: { docker: { Host: engine.url, SkipTLSVerify: false } },
      }
      await writeFile(join(meta, 'meta.json'), JSON.stringify(context))
      await writeFile(join(config, 'config.json'), JSON.stringify({ currentContext: 'laptop' }))
      const program = [process.execPath, '--disable-warning=ExperimentalWarning', 'src/main/cli.ts', 'shoal']
      const listed = await runProgram([...program, 'compose', 'ls', '-q'], { environment: { DOCKER_CONFIG: config } })
      expect([listed.code, listed.stderr]).toEqual([0, ''])
      const version = await runProgram([...program, '--context', 'laptop', 'version', '--format', '{{.Server.Os}}'], {
        environment: { DOCKER_CONFIG: config, DOCKER_HOST: 'tcp://127.0.0.1:1' },
      })
      expect([version.code, version.stdout.toString()]).toEqual([0, 'linux\n'])
    }))
})
