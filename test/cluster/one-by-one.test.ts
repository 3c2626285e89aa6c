import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { LocalCluster } from '../../scripts/lib/local-cluster.ts'
import { dockerPrograms } from '../interop/support/docker-programs.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type CliResult, docker } from '../support/docker-cli.ts'
import { OpenStream } from '../support/open-stream.ts'

/** Containers that docker and docker-compose make one by one through a manager, over agents. The order of the tests matters. */

const IMAGE = 'busybox:test'
const directory = mkdtempSync(join(tmpdir(), 'shoal-one-'))
const cluster = new LocalCluster({
  directory,
  imagesDirectory: '/var/lib/shoal-demo-images',
  bridge: 'sh-one',
  subnet: '10.224.0',
  nodes: { n1: {}, n2: {}, n3: {} },
})

const cli = (...argv: string[]): Promise<CliResult> => docker(cluster.manager, argv)

async function ok(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...argv)
  expect(`${code} ${stderr}`).toBe('0 ')
  return stdout.trim()
}

/** docker-compose 1.29 with a project of the tests' own. */
const composeWith =
  (project: string, file: string) =>
  (...argv: string[]): Promise<string> => {
    const env = { ...process.env, DOCKER_HOST: cluster.manager, COMPOSE_HTTP_TIMEOUT: '50' }
    return command(['docker-compose', '--no-ansi', '-p', project, '-f', file, ...argv], { timeoutMs: 120_000, env })
  }
const compose = composeWith('shop', join(import.meta.dirname, 'projects/web/docker-compose.yml'))

const lines = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '')
const nodesOf = (names: readonly string[]): string[] => names.map(name => name.split('/')[0] ?? '').toSorted()

describe('docker and docker-compose over agents', () => {
  beforeAll(async () => {
    await cluster.start()
    const archive = join(directory, 'busybox.tar')
    await writeFile(archive, await busyboxArchive({ name: IMAGE }))
    await ok('load', '-i', archive)
  }, 300_000)
  afterAll(() => cluster.remove(), 120_000)

  it('load an image on every node, and show it once', async () => {
    expect(lines(await ok('images', '--format', '{{.Repository}}:{{.Tag}}'))).toEqual([IMAGE])
    for (const node of ['n1', 'n2', 'n3']) {
      expect(lines(await ok('images', '-q', '--filter', `node=${node}`))).toHaveLength(1)
    }
  })

  it('put containers of several nodes on one network, where their names resolve', async () => {
    await ok('network', 'create', '-d', 'overlay', 'front')
    expect(lines(await ok('network', 'ls', '--filter', 'driver=overlay', '--format', '{{.Name}}'))).toContain('front')
    const at = (node: string, name: string, ...argv: string[]) =>
      ok('run', '-d', '--name', name, '--network', 'front', '-e', `constraint:node==${node}`, ...argv)
    await at('n1', 'serve', '--network-alias', 'www', IMAGE, 'sh', '-c', 'echo hi > /page; exec httpd -f -p 80 -h /')
    await at('n2', 'ask', IMAGE, 'sleep', '600')
    for (const name of ['serve', 'www']) {
      const page = await until(`${name} to be known on n2`, async () => {
        const { code, stdout } = await cli('exec', 'ask', 'wget', '-qO-', `http://${name}/page`)
        return code === 0 ? stdout : undefined
      })
      expect(page).toBe('hi\n')
    }
    const inspected = await ok('network', 'inspect', 'front', '--format', '{{range .Containers}}{{.Name}} {{end}}')
    expect(inspected.trim().split(' ').toSorted()).toEqual(['ask', 'serve'])
    expect((await cli('network', 'rm', 'front')).stderr).toContain('has active endpoints')
    await ok('network', 'disconnect', 'front', 'ask')
    await ok('network', 'connect', 'front', 'ask')
    await ok('rm', '-f', 'serve', 'ask')
    await until('the network to be removed', async () =>
      (await cli('network', 'rm', 'front')).code === 0 ? true : undefined,
    )
  })

  it('bring a compose project up, scale it over the nodes, and take it down', async () => {
    await compose('up', '-d', '--scale', 'web=3')
    const names = lines(await ok('ps', '--filter', 'label=com.docker.compose.project=shop', '--format', '{{.Names}}'))
    // Four containers side by side: two replicas may share the node that the store left to them.
    expect(names).toHaveLength(4)
    expect([...new Set(nodesOf(names))].sort()).toEqual(['n1', 'n2', 'n3'])
    expect(await compose('ps')).toMatch(/shop_web_3 .* Up/)
    const pages = new Set<string>()
    // Static busybox cannot resolve names and count time: no -T.
    await until('all replicas to answer', async () => {
      pages.add(await compose('exec', '-T', 'store', 'wget', '-qO-', 'http://web/page'))
      return pages.size === 3 ? true : undefined
    })
    expect(lines(await compose('logs', '--no-color', 'web')).filter(line => /web_\d.*ready/.test(line))).toHaveLength(3)
    await compose('up', '-d', '--scale', 'web=1')
    expect(lines(await ok('ps', '--filter', 'name=shop_web', '-q'))).toHaveLength(1)
    await compose('down', '-v', '-t', '0')
    expect(await ok('ps', '-aq')).toBe('')
    expect(lines(await ok('network', 'ls', '--filter', 'driver=overlay', '-q'))).toEqual([])
    expect(await ok('volume', 'ls', '-q')).toBe('')
  })

  it('see what docker-compose started move when its host freezes, and end what is read from there', async () => {
    const file = join(directory, 'moving.yml')
    const script = 'echo ready; exec sleep 3600'
    const service = (more: string): string => `{image: ${IMAGE}, command: sh -c "${script}", ${more}}`
    const label = `labels: {com.docker.swarm.reschedule-policies: '["on-node-failure"]'}`
    await writeFile(
      file,
      `version: "3.7"
services:
  asks: ${service('environment: ["constraint:node==~n3", "reschedule:on-node-failure", "KEPT=yes"]')}
  labelled: ${service(`environment: ["constraint:node==~n3"], ${label}`)}
`,
    )
    const moving = composeWith('moving', file)
    const running = async (): Promise<string[]> => lines(await ok('ps', '--format', '{{.Names}}')).toSorted()
    await ok('run', '-d', '--name', 'stays', '-e', 'constraint:node==n3', IMAGE, 'sh', '-c', script)
    await moving('up', '-d')
    expect(await running()).toEqual(['n3/moving_asks_1', 'n3/moving_labelled_1', 'n3/stays'])
    const followed = new OpenStream(cluster.manager, 'logs', '-f', 'stays')
    const attached = new OpenStream(cluster.manager, 'exec', '-i', 'stays', 'cat')
    try {
      await followed.says('ready')
      attached.write('heard\n')
      await attached.says('heard')
      cluster.hosts.pause('n3')
      for (const stream of [followed, attached]) {
        await until('the stream to end', async () => (stream.hasEnded ? true : undefined))
      }
      await until('both to run elsewhere', async () => {
        const names = await running()
        const isMoved = names.length === 2 && names.every(name => /^n[12]\/moving_(asks|labelled)_1$/.test(name))
        return isMoved ? true : undefined
      })
      expect(await moving('ps')).toMatch(/moving_asks_1 .* Up/)
      expect(await moving('exec', '-T', 'asks', 'sh', '-c', 'echo $KEPT')).toBe('yes\n')
      expect(await moving('logs', '--no-color', 'labelled')).toMatch(/labelled_1 .*ready/)
      expect(await ok('ps', '-a', '--filter', 'name=stays', '--format', '{{.Status}}')).toBe('Host Down')
      cluster.hosts.resume('n3')
      await until('the host to be rid of its copies', async () => {
        const names = await running()
        return names.length === 3 && names.at(-1) === 'n3/stays' ? true : undefined
      })
    } finally {
      cluster.hosts.resume('n3')
      followed.kill()
      attached.kill()
    }
    await cluster.nodesReady()
    await moving('down', '-t', '0')
    await ok('rm', '-f', 'stays')
    expect(await ok('ps', '-aq')).toBe('')
  })

  it('build on the node that is said, and run what was built on another', async () => {
    await writeFile(join(directory, 'Dockerfile'), `FROM ${IMAGE}\nRUN echo built > /made\n`)
    const built = await cli('build', '-q', '-t', 'made:1', '--build-arg', 'constraint:node==n2', directory)
    expect([built.code, built.stdout]).toEqual([0, expect.stringMatching(/^sha256:/)])
    for (const node of ['n1', 'n2', 'n3']) {
      expect(await ok('run', '--rm', '-e', `constraint:node==${node}`, 'made:1', 'cat', '/made')).toBe('built')
    }
  })

  it('restart a service by hand without it being replaced, and show its port', async () => {
    const file = join(directory, 'service.yaml')
    const command = '["sh", "-c", "exec httpd -f -p 80 -h /bin"]'
    await writeFile(file, `services:\n  front:\n    image: ${IMAGE}\n    command: ${command}\n    ports: ["8088:80"]\n`)
    await cluster.run('compose', ['-f', file, '-p', 'svc', 'up', '-d', '--wait'])
    const id = await ok('ps', '--no-trunc', '-q', '--filter', 'name=svc-front-1')
    await ok('restart', '-t', '0', 'svc-front-1')
    await cluster.run('compose', ['-f', file, '-p', 'svc', 'up', '-d', '--wait'])
    expect(await ok('ps', '--no-trunc', '-q', '--filter', 'name=svc-front-1')).toBe(id)
    expect(await ok('ps', '--filter', 'name=svc-front-1', '--format', '{{.Ports}}')).toContain(':8088->80/tcp')
    expect(await ok('port', 'svc-front-1', '80')).toContain(':8088')
    await cluster.run('compose', ['-f', file, '-p', 'svc', 'down'])
  })

  it.each(dockerPrograms().filter(({ skip }) => !skip))('are the same to $title', async ({ program }) => {
    const run = (...argv: string[]): Promise<string> =>
      command([program, '-H', cluster.manager, ...argv], { timeoutMs: 30_000 })
    expect(await run('version', '--format', '{{.Server.Version}}')).toMatch(/^shoal\//)
    expect(await run('info')).toMatch(/Nodes: 3\n +n1: 10\.224\.0\.11:2375\n +└ ID: .*\n +└ Status: Healthy/)
    await run('volume', 'create', 'n2/own')
    expect(await run('volume', 'ls', '-q')).toBe('n2/own\n')
    expect(await run('run', '--rm', '-i', '--name', 'box', IMAGE, 'sh', '-c', 'echo hi; exit 0')).toBe('hi\n')
    const id = (await run('run', '-d', '--name', 'box', '-e', 'constraint:node==n3', IMAGE, 'sleep', '60')).trim()
    expect(await run('ps', '--format', '{{.ID}} {{.Names}}')).toBe(`${id.slice(0, 12)} n3/box\n`)
    expect(await run('exec', 'n3/box', 'cat', '/etc/hostname')).toBe(`${id.slice(0, 12)}\n`)
    await run('cp', join(directory, 'busybox.tar'), 'box:/there.tar')
    expect(await run('diff', 'box')).toContain('A /there.tar')
    expect(await run('top', 'box')).toContain('sleep 60')
    expect(await run('stats', '--no-stream', '--format', '{{.Name}}', 'box')).toMatch(/box/)
    await run('rename', 'box', 'crate')
    await run('commit', 'crate', 'kept:1')
    await run('rm', '-f', 'n3/crate')
    expect(await run('history', '-q', 'kept:1')).toMatch(/[0-9a-f]{12}/)
    await run('rmi', 'kept:1')
    await run('volume', 'rm', 'n2/own')
  })

  it('measure and clear all nodes', async () => {
    expect(await ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}}')).toMatch(/Images \d/)
    await ok('create', '--name', 'idle', IMAGE)
    expect(await ok('container', 'prune', '-f')).toMatch(/Deleted Containers:/)
  })
})
