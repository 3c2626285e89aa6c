import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { createNodeSource, parseDiscovery, parseHostPort, parseNodeFile } from '../../src/discovery/index.ts'

describe('discovery URLs', () => {
  it.each([
    ['etcd://10.0.0.1:2379', { scheme: 'etcd', endpoints: ['10.0.0.1:2379'], cluster: 'default' }],
    ['etcd://a:1,b:2,c/prod', { scheme: 'etcd', endpoints: ['a:1', 'b:2', 'c:2379'], cluster: 'prod' }],
    ['etcd://[::1]:2379/x/', { scheme: 'etcd', endpoints: ['[::1]:2379'], cluster: 'x' }],
    ['file:///etc/nodes', { scheme: 'file', path: '/etc/nodes' }],
    ['nodes://a:1,b:2', { scheme: 'nodes', addresses: ['a:1', 'b:2'] }],
    ['a:1, b:2', { scheme: 'nodes', addresses: ['a:1', 'b:2'] }],
    ['10.0.0.[9:11]:2375', { scheme: 'nodes', addresses: ['10.0.0.9:2375', '10.0.0.10:2375', '10.0.0.11:2375'] }],
    ['n[08:10]:1,z:2', { scheme: 'nodes', addresses: ['n08:1', 'n09:1', 'n10:1', 'z:2'] }],
  ])('%s', (text, expected) => {
    expect(parseDiscovery(text)).toEqual(expected)
  })

  it.each([
    ['etcd://', 'BAD_DISCOVERY'],
    ['etcd://a:b', 'BAD_DISCOVERY'],
    ['etcd://a:1/x/y', 'BAD_DISCOVERY'],
    ['file://', 'BAD_DISCOVERY'],
    ['nodes://', 'BAD_DISCOVERY'],
    ['', 'BAD_DISCOVERY'],
    ['host', 'BAD_ADDRESS'],
    ['host:70000', 'BAD_ADDRESS'],
    ['10.0.0.[11:1]:2375', 'BAD_ADDRESS'],
    ['n[1:99999999]:1', 'BAD_ADDRESS'],
    ['consul://a:1/x', 'DISCOVERY_UNSUPPORTED'],
    ['zk://a:1,b:1/x', 'DISCOVERY_UNSUPPORTED'],
    ['token://0123', 'DISCOVERY_UNSUPPORTED'],
    ['http://a:1', 'DISCOVERY_UNSUPPORTED'],
  ])('refuses "%s" with %s', (text, code) => {
    expect(() => parseDiscovery(text)).toThrow(expect.objectContaining({ code }))
  })

  it.each(['consul://a:1/x', 'zk://a:1/x', 'token://0123', 'http://a:1'])('says what to use instead of %s', text => {
    expect(() => parseDiscovery(text)).toThrow(/: use etcd:\/\/host:port\/cluster/)
  })
})

it('host and port', () => {
  expect(parseHostPort('h-1.x:80')).toEqual({ host: 'h-1.x', port: 80 })
  expect(parseHostPort('[fe80::1]:80')).toEqual({ host: 'fe80::1', port: 80 })
  for (const wrong of ['h', 'h:0', ':80', '::1:80', 'h:80:90', 'h h:80']) expect(parseHostPort(wrong)).toBeUndefined()
})

it('node files have comments, blank lines and ranges', () => {
  expect(parseNodeFile('# the nodes\n\na:1 # first\n  b[1:2]:2\n')).toEqual(['a:1', 'b1:2', 'b2:2'])
})

describe('node sources', () => {
  let directory: string | undefined
  afterEach(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true })
    directory = undefined
  })

  it('a file is read again when it changes, and its last content kept when it goes bad', async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-nodes-'))
    const path = join(directory, 'nodes')
    const clock = new ManualClock()
    await writeFile(path, 'a:1\n')
    const source = createNodeSource({ scheme: 'file', path }, { clock, log: silentLog })
    expect(await source.list()).toEqual(['a:1'])
    const controller = new AbortController()
    const seen: (readonly string[])[] = []
    const reading = (async () => {
      for await (const addresses of source.watch(controller.signal)) seen.push(addresses)
    })()
    // Files are read on real threads: turns of the event loop until the poll has settled, no guess at its time.
    const settled = async (): Promise<void> => {
      while (clock.nextDueMs() === undefined) await new Promise(resolve => setImmediate(resolve))
    }
    const poll = async (): Promise<void> => {
      await settled()
      clock.step()
      await settled()
    }
    await settled()
    for (const content of ['nonsense\n', 'a:1\nb:1\n']) {
      await writeFile(path, content)
      await poll()
      await poll()
    }
    controller.abort()
    await reading
    expect(seen).toEqual([['a:1'], ['a:1', 'b:1']])
    await rm(path)
    await expect(source.list()).rejects.toMatchObject({ code: 'BAD_DISCOVERY', message: expect.stringContaining(path) })
  })
})
