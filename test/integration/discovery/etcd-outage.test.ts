import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import {
  CachedPrefix,
  createEtcdStore,
  type EtcdProcess,
  type EtcdProcessOptions,
  jsonCodec,
  type Store,
  startEtcd,
} from '../../../src/discovery/index.ts'

const clock = systemClock
let dataDir: string
const running: EtcdProcess[] = []
const stores: Store[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'shoal-etcd-outage-'))
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map(store => store.close()))
  await Promise.all(running.splice(0).map(etcd => etcd.stop()))
  await rm(dataDir, { recursive: true, force: true })
})

async function start(options: Partial<EtcdProcessOptions> = {}): Promise<EtcdProcess> {
  const etcd = await startEtcd({ dataDir, clock, ...options })
  running.push(etcd)
  return etcd
}

function open(endpoints: readonly string[], callTimeoutMs?: number): Store {
  const store = createEtcdStore({ endpoints, clock, ...(callTimeoutMs === undefined ? {} : { callTimeoutMs }) })
  stores.push(store)
  return store
}

function portsOf(etcd: EtcdProcess): { clientPort: number } {
  return { clientPort: Number(etcd.endpoint.split(':')[1]) }
}

/** Follows a prefix in the background: the values that were put, in order. */
function follow(store: Store, prefix: string, fromRevision: number) {
  const controller = new AbortController()
  const values: string[] = []
  const ended = (async () => {
    for await (const { events } of store.watch(prefix, fromRevision, controller.signal)) {
      for (const event of events) if (event.type === 'put') values.push(event.kv.value)
    }
  })()
  ended.catch(() => {})
  return { values, ended, stop: () => controller.abort() }
}

const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 })

describe('when etcd goes away', () => {
  it('a watch loses nothing over kill -9 and restart, and calls work again', async () => {
    const etcd = await start()
    const store = open([etcd.endpoint])
    const { revision } = await store.txn([], [{ put: '/t/a', value: '1' }])
    const watch = follow(store, '/t/', revision)
    await soon(() => expect(watch.values).toEqual(['1']))
    process.kill(etcd.pid, 'SIGKILL')
    await etcd.exited
    await expect(store.get('/t/a')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(etcd.endpoint),
    })
    const again = await start(portsOf(etcd))
    const other = open([again.endpoint])
    await soon(async () => void (await other.txn([], [{ put: '/t/a', value: '2' }])))
    await soon(() => expect(watch.values.at(-1)).toBe('2'))
    expect(new Set(watch.values)).toEqual(new Set(['1', '2']))
    expect((await store.get('/t/a'))?.value).toBe('2')
    watch.stop()
    await watch.ended
  })

  it('a stopped process times out, and what was asked meanwhile is not lost', async () => {
    const etcd = await start()
    const store = open([etcd.endpoint], 500)
    // A disk that is slow is no matter here: written without this store's short patience.
    const { revision } = await open([etcd.endpoint]).txn([], [{ put: '/t/a', value: '1' }])
    const watch = follow(store, '/t/', revision + 1)
    process.kill(etcd.pid, 'SIGSTOP')
    try {
      await expect(store.get('/t/a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    } finally {
      process.kill(etcd.pid, 'SIGCONT')
    }
    await soon(async () => void (await store.txn([], [{ put: '/t/a', value: '2' }])))
    await soon(() => expect(watch.values).toContain('2'))
    watch.stop()
  })

  it('declares a lease lost by its own clock', async () => {
    const etcd = await start()
    const store = open([etcd.endpoint], 500)
    const lease = await store.grantLease(2_000)
    process.kill(etcd.pid, 'SIGKILL')
    await soon(() => expect(lease.lost.aborted).toBe(true))
    await expect(lease.revoke()).resolves.toBeUndefined()
  })

  it('a cache outlives it and catches up', async () => {
    const etcd = await start()
    const store = open([etcd.endpoint])
    const put = (to: Store, key: string) => to.txn([], [{ put: `/t/${key}`, value: JSON.stringify({ name: key }) }])
    await put(store, 'a')
    const codec = jsonCodec<{ name: string }>('thing', { name: 'string' })
    const cache = new CachedPrefix({ store, prefix: '/t/', codec, clock, log: silentLog })
    await cache.ready()
    process.kill(etcd.pid, 'SIGKILL')
    await etcd.exited
    expect(cache.size).toBe(1)
    const again = await start(portsOf(etcd))
    await put(open([again.endpoint]), 'b')
    await soon(() => expect(cache.size).toBe(2))
    cache.close()
  })

  it('a restored backup is noticed although its revision is older', async () => {
    const etcd = await start()
    const store = open([etcd.endpoint])
    await store.txn([], [{ put: '/t/a', value: 'old' }])
    const snapshot = join(dataDir, 'snapshot')
    const run = (...args: string[]) =>
      promisify(execFile)('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' } })
    await run(`--endpoints=${etcd.endpoint}`, 'snapshot', 'save', snapshot)
    for (let i = 0; i < 20; i++) await store.txn([], [{ put: '/t/a', value: `new ${i}` }])
    const { revision } = await store.list('/t/')
    const watch = follow(store, '/t/', revision + 1)
    await etcd.stop()
    const restored = await mkdtemp(join(tmpdir(), 'shoal-etcd-restored-'))
    try {
      const name = [
        '--name=shoal',
        '--initial-cluster=shoal=http://127.0.0.1:1',
        '--initial-advertise-peer-urls=http://127.0.0.1:1',
      ]
      await run('snapshot', 'restore', snapshot, ...name, `--data-dir=${join(restored, 'etcd')}`)
      const again = await startEtcd({ dataDir: restored, clock, ...portsOf(etcd) })
      running.push(again)
      await expect(watch.ended).rejects.toMatchObject({ code: 'COMPACTED' })
      await soon(async () => expect((await store.get('/t/a'))?.value).toBe('old'))
    } finally {
      await Promise.all(running.splice(0).map(one => one.stop()))
      await rm(restored, { recursive: true, force: true })
    }
  })

  it('the next endpoint is used when the first does not answer', async () => {
    const etcd = await start()
    const store = open(['127.0.0.1:1', etcd.endpoint])
    const { revision } = await store.txn([{ key: '/t/a', exists: false }], [{ put: '/t/a', value: '1' }])
    const watch = follow(store, '/t/', revision)
    await soon(() => expect(watch.values).toEqual(['1']))
    watch.stop()
  })
})

describe('when etcd never was there', () => {
  let silent: Server | undefined
  afterEach(() => silent?.close())

  it('a closed port and a silent one are both STORE_UNAVAILABLE', async () => {
    await expect(open(['127.0.0.1:1']).get('/x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', status: 503 })
    const sockets = new Set<Socket>()
    silent = createServer(socket => void sockets.add(socket))
    await new Promise<void>(resolve => silent?.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const store = open([`127.0.0.1:${port}`], 300)
    await expect(store.txn([], [{ put: '/x', value: '' }])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    for (const socket of sockets) socket.destroy()
  })
})

describe('the embedded etcd', () => {
  it('keeps its data over a restart, and is taken over when its starter was killed', async () => {
    const first = await start()
    const store = open([first.endpoint])
    await store.txn([], [{ put: '/t/kept', value: 'yes' }])
    const adopted = await start()
    expect([adopted.adopted, adopted.pid, adopted.endpoint]).toEqual([true, first.pid, first.endpoint])
    await adopted.stop()
    expect(await first.exited).toContain('etcd ended')
    const second = await start()
    expect(second.adopted).toBe(false)
    expect((await open([second.endpoint]).get('/t/kept'))?.value).toBe('yes')
  })

  it('refuses what it cannot use, and says what to do', async () => {
    await expect(start({ binary: 'etcd-that-is-not-there' })).rejects.toMatchObject({
      code: 'ETCD_FAILED',
      message: expect.stringContaining('apt-get install etcd-server'),
    })
    const first = await start()
    await expect(start({ dataDir: `${dataDir}-2`, ...portsOf(first) })).rejects.toMatchObject({
      message: expect.stringContaining('give another port'),
    })
    await rm(`${dataDir}-2`, { recursive: true, force: true })
    await first.stop()
    const foreign = join(dataDir, 'foreign')
    await mkdir(join(foreign, 'etcd'), { recursive: true })
    await writeFile(join(foreign, 'etcd', 'letters.txt'), 'dear diary')
    await expect(start({ dataDir: foreign })).rejects.toMatchObject({
      code: 'ETCD_FOREIGN_DATA',
      message: expect.stringContaining('letters.txt'),
    })
    const corrupt = join(dataDir, 'corrupt')
    await cp(join(dataDir, 'etcd'), join(corrupt, 'etcd'), { recursive: true })
    await writeFile(join(corrupt, 'etcd', 'member', 'snap', 'db'), 'this is no database')
    await expect(start({ dataDir: corrupt })).rejects.toMatchObject({ code: 'ETCD_FAILED' })
    await writeFile(join(dataDir, 'file'), '')
    await expect(start({ dataDir: join(dataDir, 'file') })).rejects.toMatchObject({ code: 'ETCD_DATA' })
  })
})

it('finds the network slow, not gone, within its deadline', async () => {
  const etcd = await start()
  const store = open([etcd.endpoint], 5_000)
  process.kill(etcd.pid, 'SIGSTOP')
  const asking = store.get('/x')
  await sleep(clock, 300)
  process.kill(etcd.pid, 'SIGCONT')
  expect(await asking).toBeUndefined()
})
