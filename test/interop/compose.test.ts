import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { busyboxArchive } from '../support/busybox-image.ts'
import type { Script } from './support/script.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree, directory } = twoEngines({ subnet: 221, images: [image] })
const PS = ['ps', '-a', '--format', '{{.Names}} {{.Image}} {{.Networks}} {{.Label "com.docker.compose.service"}}']

/** A copy of the project for each engine: both run at once, and names of projects come from directories. */
function compose(script: Script, project: string) {
  const cwd = join(directory(), script.engine.name, project)
  cpSync(join(import.meta.dirname, 'projects', project), cwd, { recursive: true })
  const environment = { COMPOSE_HTTP_TIMEOUT: '50', COMPOSE_DOCKER_CLI_BUILD: '0', VALUE: 'given' }
  const run = (words: string, options: { sorted?: boolean; onlyCode?: boolean } = {}): Promise<string> =>
    script.run(['docker-compose', '--no-ansi', ...words.split(' ')], { cwd, environment, ...options })
  script.afterwards(() => run('down -v -t 0'))
  return run
}

describe('docker-compose 1.29.2', () => {
  it('scales, enters and removes replicas that share a network and a volume', () =>
    agree(async script => {
      const run = compose(script, 'web')
      await run('up -d --scale web=3', { sorted: true })
      await run('ps', { sorted: true })
      await script.run(['docker', ...PS], { sorted: true })
      await run('exec -T --index=2 web sh -c hostname|wc -c')
      await run('exec -T web wget -qO- http://web/page')
      await run('exec -T web nslookup db', { sorted: true })
      await run('logs --no-color store')
      await run('up -d --scale web=1', { sorted: true })
      await script.run(['docker', ...PS], { sorted: true, title: 'ps after scaling down' })
      await run('restart -t 1 store')
      await run('stop -t 1 store')
      await run('start store')
      await run('top store', { onlyCode: true })
      await run('images')
      await run('kill -s KILL', { sorted: true })
      await run('down -v -t 1', { sorted: true })
      await script.run(['docker', 'ps', '-aq'])
      await script.run(['docker', 'volume', 'ls', '-q'])
      await script.run(['docker', 'network', 'ls', '--format', '{{.Name}}'])
    }))

  it('waits for health, publishes ports, and changes what changed', () =>
    agree(async script => {
      const run = compose(script, 'pair')
      await run('config')
      await run('up -d', { sorted: true })
      await run('ps', { sorted: true })
      await run('logs --no-color after')
      await run('port after 8080')
      await run('exec -T healthy printenv A')
      await run('exec -T after sh -c exit\u00a07')
      await run('run --rm -T healthy echo one-off', { sorted: true })
      await run('up -d', { sorted: true })
      await run('pause healthy')
      await run('unpause healthy')
      await run('rm -s -f after', { sorted: true })
      await run('down -v -t 0', { sorted: true })
    }))

  it('builds and runs to the end', () =>
    agree(async script => {
      const run = compose(script, 'built')
      await run('build')
      await run('up --no-color --abort-on-container-exit', { sorted: true })
      await run('run --rm built cat /greeting')
      await run('down -v --rmi all', { sorted: true })
      await script.run(['docker', 'images', '--format', '{{.Repository}}:{{.Tag}}'])
    }))
})
