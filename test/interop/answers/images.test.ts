import { describe, it } from 'vitest'
import { busyboxArchive, contextTar } from '../../support/busybox-image.ts'
import { IDLE } from '../support/idle.ts'
import { twoEngines } from '../support/two-engines.ts'

const image = await busyboxArchive({
  files: { 'srv/page': 'a page' },
  config: { Labels: { made: 'here' }, ExposedPorts: { '80/tcp': {} } },
})
const { agree, gateway } = twoEngines({ subnet: 228, images: [image] })

describe('an image', () => {
  it('is committed the same', () =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=base', { ...IDLE, Hostname: 'h', User: 'web', Tty: true })
      const commit = (query: string, title: string, body: unknown = { Labels: { q: 'r' } }): Promise<unknown> =>
        script.ask('POST', `/commit?${query}`, { title, body })
      await commit('container=base&repo=UPPER', 'commit to a bad name')
      // Docker has made an image without a name by then.
      await script.quietly('POST', '/images/prune')
      await commit('container=nosuch', 'commit nothing')
      await commit('container=base&repo=k&tag=1&changes=RUN%20x', 'commit with a bad change')
      await commit('container=base&repo=k&tag=1&author=me&comment=why&changes=ENV%20a=b', 'commit')
      await script.ask('GET', '/images/k:1/json', { title: 'inspect what was committed' })
      await script.ask('GET', '/images/k:1/history', { title: 'history of what was committed' })
      await script.ask('DELETE', '/images/busybox:test', { title: 'remove an image that is used' })
      await script.quietly('DELETE', '/images/k:1')
    }))

  it('is imported the same, or refused', () =>
    agree(async script => {
      const body = await contextTar({ a: 'b' })
      const query = 'fromSrc=-&repo=im&tag=1&message=why&changes=CMD%20true'
      await script.ask('POST', `/images/create?${query}`, { body, title: 'import' })
      await script.ask('GET', '/images/im:1/json', { title: 'inspect what was imported' })
      await script.ask('GET', '/images/im:1/history', { title: 'history of what was imported' })
      await script.quietly('DELETE', '/images/im:1')
      await script.ask('POST', '/images/create?fromSrc=-&repo=UPPER', { body, title: 'import to a bad name' })
      await script.ask('POST', '/images/create', { title: 'create an image of nothing' })
      await script.ask('POST', '/images/load', { body: Buffer.from('rubbish'), title: 'load rubbish' })
      await script.ask('POST', '/images/load', { body, title: 'load what is no image' })
      const saved = await script.http.call('GET', '/v1.41/images/busybox:test/get')
      await script.ask('POST', '/images/load', { body: saved.body, title: 'load what is there' })
      await script.ask('POST', '/images/load?quiet=1', { body: saved.body, title: 'load quietly' })
    }))

  it('is not found the same', () =>
    agree(async script => {
      script.rename(gateway, '<gateway>')
      await script.ask('GET', '/images/get?names=nosuch')
      await script.ask('GET', '/images/nosuch/get')
      await script.ask('GET', '/images/search?term=x&limit=101')
      await script.ask('POST', '/images/busybox:test/tag?repo=a/UPPER')
      await script.ask('POST', '/images/busybox:test/tag')
      const credentials = { username: 'a', password: 'b', serveraddress: `http://${gateway}:1` }
      await script.ask('POST', '/auth', { body: credentials, title: 'log in nowhere' })
      await script.ask('GET', `/distribution/${gateway}:1/nosuch/json`, { title: 'ask a registry that is not there' })
    }))

  it('is removed the same while containers and other names hold it', () =>
    agree(async script => {
      await script.quietly('POST', '/images/busybox:test/tag?repo=other&tag=1')
      await script.quietly('POST', '/containers/create?name=holder', { ...IDLE, Image: 'other:1' })
      const { Id } = await script.quietly('GET', '/images/other:1/json')
      await script.ask('DELETE', `/images/${String(Id)}`, { title: 'remove an image by its id' })
      await script.ask('DELETE', '/images/other:1', { title: 'remove one of its names' })
      await script.ask('DELETE', '/images/busybox:test', { title: 'remove its last name' })
      await script.quietly('POST', '/images/busybox:test/tag?repo=other&tag=2')
      await script.ask('DELETE', '/images/other:2?force=1', { title: 'remove a name by force' })
      await script.ask('GET', '/images/json', { title: 'list what is left' })
    }))
})
