import { describe, it } from 'vitest'
import { busyboxArchive, contextTar } from '../../support/busybox-image.ts'
import { IDLE } from '../support/idle.ts'
import type { Script } from '../support/script.ts'
import { twoEngines } from '../support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree } = twoEngines({ subnet: 225, images: [image] })

/** Asks with a version of its own before the path or none, and notes what is not the engine's name. */
async function askPlainly(script: Script, method: string, path: string): Promise<void> {
  const { status, headers, body } = await script.http.call(method, path)
  const known = status < 400 && { ostype: headers['ostype'], cache: headers['cache-control'] }
  const text = path.endsWith('/version') && status < 400 ? '' : body.toString().trim()
  const message = text.startsWith('{') ? (JSON.parse(text) as { message?: string }).message : text
  script.tell(`${method} ${path}`, { status, type: headers['content-type'], ...known, message })
}

describe('an engine', () => {
  it('is recognised the same', () =>
    agree(async script => {
      for (const [method, path] of [
        ['HEAD', '/_ping'],
        ['GET', '/_ping'],
        ['GET', '/v1.24/_ping'],
        ['GET', '/v1.20/version'],
        ['GET', '/v1.99/version'],
        ['GET', '/version'],
        ['POST', '/_ping'],
        ['PUT', '/v1.41/info'],
        ['GET', '/v1.41/session'],
        ['POST', '/v1.41/session'],
        ['GET', '/v1.41/swarm'],
        ['GET', '/v1.41/nodes'],
        ['GET', '/v1.41/services'],
        ['GET', '/v1.41/plugins'],
      ] as const) {
        await askPlainly(script, method, path)
      }
    }))

  it('counts its disk the same, and clears it up', () =>
    agree(async script => {
      const body = { ...IDLE, Cmd: ['sh', '-c', 'echo abc > /x; echo abcd > /d/y'] }
      await script.quietly('POST', '/volumes/create', { Name: 'kept' })
      await script.quietly('POST', '/networks/create', { Name: 'loose' })
      await script.quietly('POST', '/containers/create?name=used', {
        ...body,
        HostConfig: { Binds: ['kept:/d'], NetworkMode: 'none' },
      })
      await script.quietly('POST', '/containers/used/start')
      await script.quietly('POST', '/containers/used/wait')
      await script.ask('GET', '/system/df')
      await script.ask('GET', '/containers/json?all=1&size=1', { title: 'list ended ones with sizes' })
      await script.ask('GET', '/containers/used/json?size=1', { title: 'inspect a container with sizes' })
      await script.ask('GET', '/images/json?all=1')
      await script.ask('GET', '/volumes')
      for (const kind of ['containers', 'volumes', 'networks', 'images', 'build']) {
        await script.ask('POST', `/${kind}/prune?filters={"label":["nosuch"]}`, { title: `prune few ${kind}` })
        await script.ask('POST', `/${kind}/prune?filters={"until":["x"]}`, { title: `prune ${kind} until x` })
      }
      for (const kind of ['containers', 'volumes', 'networks']) await script.ask('POST', `/${kind}/prune`)
    }))
})

interface EventLine {
  readonly Type: string
  readonly Action: string
  readonly status?: string
  readonly from?: string
  readonly scope: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

function inWords({ Type, Action, status, from, scope, Actor }: EventLine): string {
  // Newer versions tell how long a container ran.
  const attributes = Object.entries(Actor.Attributes).filter(([name]) => name !== 'execDuration')
  const shown = attributes.map(pair => pair.join('=')).toSorted()
  return [Type, Action, status, from, scope, Actor.ID, shown.join()].join(' ')
}

/** Does with one container, and what it needs, whatever an engine tells of. */
async function causeEvents(script: Script): Promise<void> {
  await script.quietly('POST', '/networks/create', { Name: 'ev', Labels: { n: '1' } })
  const HostConfig = { NetworkMode: 'ev' }
  await script.quietly('POST', '/containers/create?name=ev', { ...IDLE, Labels: { l: '1' }, HostConfig })
  for (const verb of ['start', 'pause', 'unpause', 'restart?t=9', 'rename?name=ev2']) {
    await script.quietly('POST', `/containers/ev/${verb}`)
  }
  await script.quietly('POST', '/containers/ev2/update', { Memory: 64 * 2 ** 20, MemorySwap: -1 })
  const { Id } = await script.quietly('POST', '/containers/ev2/exec', { Cmd: ['true'] })
  await script.quietly('POST', `/exec/${String(Id)}/start`, { Detach: false, Tty: false })
  await script.http.call('GET', '/v1.41/containers/ev2/archive?path=/etc')
  await script.http.call('PUT', '/v1.41/containers/ev2/archive?path=/srv', await contextTar({ a: 'b' }))
  await script.quietly('GET', '/containers/ev2/top')
  await script.quietly('POST', '/commit?container=ev2&repo=evi&tag=1')
  await script.quietly('POST', '/images/evi:1/tag?repo=evi&tag=2')
  await script.quietly('POST', '/containers/ev2/kill?signal=USR1')
  await script.quietly('POST', '/containers/ev2/stop?t=1')
  await script.http.call('GET', '/v1.41/containers/ev2/export')
  await script.http.call('GET', '/v1.41/images/get?names=evi:1')
  for (const path of ['containers/ev2', 'images/evi:1', 'images/evi:2', 'networks/ev']) {
    await script.quietly('DELETE', `/${path}`)
  }
  for (const kind of ['containers', 'networks', 'volumes', 'images']) await script.quietly('POST', `/${kind}/prune`)
}

describe('events', () => {
  it('are told the same, through each filter', () =>
    agree(async script => {
      // To the millisecond: what other tests have removed is not told of.
      const since = (Date.now() / 1_000).toFixed(3)
      await causeEvents(script)
      const until = Math.ceil(Date.now() / 1_000)
      for (const filters of [
        '{}',
        '{"type":["container"]}',
        '{"event":["create","die"]}',
        '{"event":["exec_create","exec_start"]}',
        '{"container":["ev2"]}',
        '{"container":["ev"]}',
        '{"image":["busybox:test"]}',
        '{"image":["evi"]}',
        '{"network":["ev"]}',
        '{"label":["l=1"]}',
        '{"label":["n=1"]}',
        '{"type":["image","network"],"event":["destroy","delete","tag"]}',
        '{"scope":["local"],"type":["network"]}',
        '{"scope":["swarm"]}',
        '{"nosuch":["1"]}',
        '{"daemon":["x"]}',
        '{"plugin":["x"]}',
      ]) {
        const query = `since=${since}&until=${until}&filters=${encodeURIComponent(filters)}`
        const found: unknown = await script.quietly('GET', `/events?${query}`)
        // Some are told by work in the background: their order among the others is chance.
        script.tell(`events ${filters}`, Array.isArray(found) ? (found as EventLine[]).map(inWords).toSorted() : found)
      }
    }))
})
