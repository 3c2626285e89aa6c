import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { createEtcdStore, type EtcdProcess, startEtcd } from '../../../src/discovery/index.ts'
import { describeStore } from '../../contract/store-contract.ts'

let dataDir: string
let etcd: EtcdProcess
let count = 0

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'shoal-etcd-contract-'))
  etcd = await startEtcd({ dataDir, clock: systemClock })
})
afterAll(async () => {
  await etcd.stop()
  await rm(dataDir, { recursive: true, force: true })
})

describeStore('etcd', async () => {
  const open = () => createEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock })
  const store = open()
  return {
    store,
    connect: async () => open(),
    pass: ms => sleep(systemClock, ms),
    compact: async revision => {
      await promisify(execFile)('etcdctl', [`--endpoints=${etcd.endpoint}`, 'compact', String(revision)], {
        env: { ...process.env, ETCDCTL_API: '3' },
      })
    },
    prefix: `/shoal/test-${count++}/`,
    dispose: () => store.close(),
  }
})
