import { text } from 'node:stream/consumers'
import { describe, it } from 'vitest'
import { busyboxArchive, contextTar } from '../../support/busybox-image.ts'
import { IDLE } from '../support/idle.ts'
import type { Script } from '../support/script.ts'
import { twoEngines } from '../support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree } = twoEngines({ subnet: 227, images: [image] })

/** Makes a container that ends by itself, and runs it to its end. */
async function ran(script: Script, name: string, request: object): Promise<void> {
  await script.quietly('POST', `/containers/create?name=${name}`, { ...IDLE, ...request })
  await script.quietly('POST', `/containers/${name}/start`)
  await script.quietly('POST', `/containers/${name}/wait`)
}

/** Asks to wait, and resolves when that has begun: with what notes how it ended. */
async function beginWait(script: Script, query: string): Promise<() => Promise<void>> {
  const answer = await script.http.open('POST', `/v1.41/containers/${query}`)
  return async () => script.tell(query, { status: answer.statusCode, body: JSON.parse(await text(answer)) as unknown })
}

/** Which fields there are, and of which type; lists may be empty by chance. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value) || value === null) return 'list'
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item)]))
}

describe('a container', () => {
  it('refuses the same while it does not run', () =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=still', IDLE)
      await script.ask('GET', '/containers/still/top')
      await script.ask('GET', '/containers/still/logs')
      await script.ask('POST', '/containers/still/resize?h=10&w=20')
      await script.ask('POST', '/containers/still/resize?h=x&w=20')
      await script.ask('POST', '/containers/still/pause')
      await script.ask('POST', '/containers/still/unpause')
      await script.ask('POST', '/containers/still/kill')
      await script.ask('POST', '/containers/still/rename')
      await script.ask('POST', '/containers/still/rename?name=still', { title: 'rename to its own name' })
      await script.ask('DELETE', '/containers/still?link=1')
      await script.ask('DELETE', '/containers/still/other?link=1')
      const change = (body: unknown): Promise<unknown> =>
        script.ask('POST', '/containers/still/update', { body, title: `update ${JSON.stringify(body)}` })
      await change({ CpuShares: 1 })
      await change({ Memory: 1000 })
      await change({ RestartPolicy: { Name: 'x' } })
      const policy = { Name: 'on-failure', MaximumRetryCount: 2 }
      await change({ CpuShares: 512, PidsLimit: 20, CpusetCpus: '0', RestartPolicy: policy })
      await script.ask('GET', '/containers/still/json', { title: 'inspect an updated container' })
    }))

  it('answers the same while it runs', () =>
    agree(async script => {
      const Healthcheck = { Test: ['CMD', 'true'], Interval: 3_600e9 }
      await script.quietly('POST', '/containers/create?name=busy', { ...IDLE, Healthcheck, OpenStdin: true })
      await script.quietly('POST', '/containers/busy/start')
      await script.ask('GET', '/containers/busy/json', { title: 'inspect a container with a health check' })
      script.tell('stats', shapeOf(await script.quietly('GET', '/containers/busy/stats?stream=0&one-shot=1')))
      for (const verb of ['resize?h=10&w=20', 'kill?signal=NOPE', 'kill?signal=99', 'kill?signal=0', 'start']) {
        await script.ask('POST', `/containers/busy/${verb}`)
      }
      await script.ask('DELETE', '/containers/busy')
      await script.ask('GET', '/containers/busy/top?ps_args=nosuch')
      await script.ask('GET', '/containers/busy/changes')
      await script.ask('POST', '/containers/busy/update', {
        title: 'update what removes itself',
        body: { RestartPolicy: { Name: 'always' } },
      })
      await script.ask('POST', '/containers/busy/restart?t=0&signal=SIGUSR1', { title: 'restart' })
      await script.ask('POST', '/containers/nosuch/restart')
    }))

  it('executes the same, or says why not', () =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=box', IDLE)
      await script.quietly('POST', '/containers/box/start')
      for (const wish of [
        { Cmd: ['true'], User: 'nosuch' },
        { Cmd: ['true'], WorkingDir: '/nosuch' },
        { Cmd: ['nosuch'] },
        { Cmd: ['id', '-u'], User: '33', AttachStdout: true, AttachStderr: true },
        { Cmd: ['tty'], Tty: true, AttachStdout: true },
      ]) {
        const { Id } = await script.quietly('POST', '/containers/box/exec', wish)
        const body = { Tty: 'Tty' in wish }
        await script.ask('POST', `/exec/${String(Id)}/start`, { body, title: `exec ${JSON.stringify(wish)}` })
        await script.ask('GET', `/exec/${String(Id)}/json`, { title: `inspect exec ${JSON.stringify(wish)}` })
      }
      const { Id } = await script.quietly('POST', '/containers/box/exec', { Cmd: ['sleep', '0.1'] })
      await script.ask('POST', `/exec/${String(Id)}/start`, { body: { Detach: true }, title: 'exec in the background' })
    }))

  it('is waited for the same', () =>
    agree(async script => {
      const request = { ...IDLE, Cmd: ['sh', '-c', 'exit 7'] }
      await script.quietly('POST', '/containers/create?name=ended', request)
      await script.ask('POST', '/containers/ended/wait', { title: 'wait for what never ran' })
      await script.ask('POST', '/containers/ended/wait?condition=nosuch')
      await script.ask('POST', '/containers/nosuch/wait?condition=removed')
      const exited = await beginWait(script, 'ended/wait?condition=next-exit')
      await script.quietly('POST', '/containers/ended/start')
      await exited()
      await script.ask('POST', '/containers/ended/wait?condition=not-running')
      const removed = await beginWait(script, 'ended/wait?condition=removed')
      await script.quietly('DELETE', '/containers/ended')
      await removed()
      await script.quietly('POST', '/containers/create?name=auto', { ...request, HostConfig: { AutoRemove: true } })
      const gone = await beginWait(script, 'auto/wait?condition=removed')
      await script.quietly('POST', '/containers/auto/start')
      await gone()
    }))

  it('gives the same of its log', () =>
    agree(async script => {
      const LogConfig = { Type: 'json-file', Config: { labels: 'a,b', env: 'E', tag: '{{.Name}}' } }
      const Cmd = ['sh', '-c', 'echo 1; echo 2; printf 3; sleep 0.1; echo bad >&2']
      const request = { Cmd, Labels: { a: 'x' }, Env: ['E=f g'], HostConfig: { LogConfig } }
      await ran(script, 'logged', request)
      for (const query of [
        'stdout=1',
        'stderr=1',
        'stdout=1&stderr=1&timestamps=1',
        'stdout=1&stderr=1&details=1',
        'stdout=1&tail=1',
        'stdout=1&tail=0',
        'stdout=1&tail=x',
        'stdout=1&tail=-1',
        'stdout=1&since=4000000000',
        'stdout=1&until=1',
        'stdout=1&since=x',
        'stdout=0',
      ]) {
        await script.ask('GET', `/containers/logged/logs?${query}`, { title: `logs ${query}` })
      }
      await ran(script, 'local', { ...request, HostConfig: { LogConfig: { Type: 'local' } } })
      await script.ask('GET', '/containers/local/logs?stdout=1&stderr=1', { title: 'logs of the driver local' })
      await ran(script, 'silent', { ...request, HostConfig: { LogConfig: { Type: 'none' } } })
      await script.ask('GET', '/containers/silent/logs?stdout=1', { title: 'logs of the driver none' })
      await ran(script, 'term', { ...request, Tty: true })
      await script.ask('GET', '/containers/term/logs?stdout=1', { title: 'logs of a terminal' })
      const create = (Config: object, Type = 'json-file'): Promise<unknown> =>
        script.ask('POST', '/containers/create', {
          body: { ...IDLE, HostConfig: { LogConfig: { Type, Config } } },
          title: `create with log ${Type} ${JSON.stringify(Config)}`,
        })
      await create({ nosuch: '1' })
      await create({ 'max-size': 'x' })
      await create({ 'max-file': '0' })
    }))

  it('takes and gives files the same', () =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=box', IDLE)
      const path = '/containers/box/archive'
      for (const target of ['/etc/passwd', '/bin/sh', '/', 'srv', '/nosuch']) {
        const { status, headers } = await script.http.call('HEAD', `/v1.41${path}?path=${target}`)
        const stat = Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64').toString()
        script.tell(`HEAD archive ${target}`, { status, stat: stat === '' ? '' : (JSON.parse(stat) as unknown) })
      }
      await script.ask('GET', path)
      await script.ask('GET', `${path}?path=/nosuch`)
      const put = async (target: string, body: Buffer, title: string): Promise<unknown> =>
        script.ask('PUT', `${path}?path=${target}`, { body, title })
      await put('/nosuch', await contextTar({ a: 'b' }), 'put where nothing is')
      await put('/etc/passwd', await contextTar({ a: 'b' }), 'put into a file')
      await put('/srv', await contextTar({ a: 'b' }), 'put')
      await put('/srv&noOverwriteDirNonDir=1', await contextTar({ 'a/b': 'c' }), 'put a directory over a file')
      await put('/srv', Buffer.from('rubbish'), 'put rubbish')
      await script.ask('GET', '/containers/box/changes', { title: 'what was put' })
    }))
})
