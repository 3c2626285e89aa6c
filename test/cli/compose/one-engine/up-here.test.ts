import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { composeGroup } from '../../../../src/cli/index.ts'
import { containerSummary } from '../../support/container-summary.ts'
import { reply, runAgainst } from '../../support/one-engine.ts'

it('shows what a container that runs already writes from now on, by the clock of the engine', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-up-here-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'compose.yaml')
  await writeFile(file, 'name: shop\nservices: {web: {image: "web:1", network_mode: none}}\n')
  const Labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' }
  const since: (string | null)[] = []
  const { code, stderr } = await runAgainst(
    ['-f', file, 'up', '--no-recreate'],
    ({ url = '' }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://engine')
      if (pathname.endsWith('/logs')) {
        since.push(searchParams.get('since'))
        response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream' }).end()
      } else if (pathname.endsWith('/version')) reply(response, 200, { ApiVersion: '1.47', Components: [] })
      else if (pathname.endsWith('/info')) reply(response, 200, { SystemTime: '2040-01-02T03:04:05.678901234+01:00' })
      else if (pathname.endsWith('/images/web%3A1/json')) reply(response, 200, { Id: 'sha256:a' })
      else if (pathname.endsWith('/containers/json')) {
        const ended = { State: 'exited', Status: 'Exited (0) 1 second ago' } as const
        reply(response, 200, [containerSummary('shop-web-1', { Labels, ...(since.length === 0 ? {} : ended) })])
      } else reply(response, 404, { message: `nothing at ${url}` })
    },
    { root: composeGroup('9.9.9'), cwd: directory },
  )
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('web-1 exited with code 0') })
  expect(new Set(since)).toEqual(new Set([(Date.parse('2040-01-02T02:04:05.678Z') / 1_000).toFixed(3)]))
})

it('up --watch stops after Ctrl-C what nobody else would stop, as docker compose does', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-up-here-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const develop = '{watch: [{action: sync, path: ., target: /src}]}'
  const service = `{image: "web:1", build: ., network_mode: none, pre_stop: [{command: drain}], develop: ${develop}}`
  await writeFile(join(directory, 'compose.yaml'), `name: shop\nservices: {web: ${service}}\n`)
  const Labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' }
  const stop = new AbortController()
  const changes: string[] = []
  const { code, stderr } = await runAgainst(
    ['up', '--watch', '--no-recreate'],
    ({ url = '', method = '' }, response) => {
      const { pathname } = new URL(url, 'http://engine')
      if (method !== 'GET') changes.push(`${method} ${pathname}`)
      if (pathname.endsWith('/logs')) return stop.abort()
      if (pathname.endsWith('/version')) return reply(response, 200, { ApiVersion: '1.47', Components: [] })
      if (pathname.endsWith('/info')) return reply(response, 200, { SystemTime: '2040-01-02T03:04:05Z' })
      // As of a container that has just ended.
      if (pathname.endsWith('/exec')) return reply(response, 409, { message: 'is not running' })
      if (pathname.includes('/images/')) return reply(response, 200, { Id: 'sha256:a' })
      if (pathname.endsWith('/json')) return reply(response, 200, [containerSummary('shop-web-1', { Labels })])
      return response.writeHead(204).end()
    },
    { root: composeGroup('9.9.9'), cwd: directory, signal: stop.signal },
  )
  expect({ code, changes }).toEqual({
    code: 130,
    changes: ['exec', 'stop'].map(what => `POST /containers/id-of-shop-web-1/${what}`),
  })
  expect(stderr).toContain('Gracefully stopping...')
})
