import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { FileSpec } from '../../src/core/model/service.ts'
import { type ParcelEntry, packParcel } from '../../src/core/parcel.ts'
import { clusterKeys, createMemoryStore } from '../../src/discovery/index.ts'
import { createTaskFiles } from '../../src/node-agent/index.ts'
import { serviceSpec, taskRecord } from '../support/tasks.ts'

const KEYS = clusterKeys('test')
const base = mkdtempSync(join(tmpdir(), 'shoal-files-'))
afterEach(() => rmSync(base, { recursive: true, force: true }))

function lab() {
  const server = createMemoryStore({ clock: new ManualClock() })
  const inMemory: string[] = []
  const files = createTaskFiles({
    store: server.connect(),
    keys: KEYS,
    directory: join(base, 'files'),
    secretsDirectory: join(base, 'secrets'),
    ensureMemory: async directory => void inMemory.push(directory),
  })
  const keep = async (file: Omit<FileSpec, 'id'>, entries: readonly ParcelEntry[]): Promise<FileSpec> => {
    const { id, bytes } = packParcel(entries)
    const text = Buffer.from(bytes).toString('base64')
    const put = (part: string, value: string) => ({ put: `${KEYS.file('shop', id)}${part}`, value })
    await server.txn([], [put('000', text.slice(0, 10)), put('last', text.slice(10))])
    return { ...file, id }
  }
  return { files, keep, inMemory }
}

const taskWith = (...files: readonly FileSpec[]) => taskRecord({ spec: serviceSpec({ files }) })
const one = (text: string): ParcelEntry => ({ path: '', kind: 'file', mode: 0o644, data: Buffer.from(text) })

it('puts secrets into memory and the rest on the disk, read-only in the container, until the task is removed', async () => {
  const { files, keep, inMemory } = lab()
  const secret = await keep({ kind: 'secret', name: 'key', target: '/run/secrets/key', mode: 0o400 }, [one('hunter2')])
  const tree = await keep({ kind: 'snapshot', name: '/srv/conf', target: '/conf' }, [
    { path: '', kind: 'directory', mode: 0o750 },
    { path: 'run.sh', kind: 'file', mode: 0o755, data: Buffer.from('echo') },
    { path: 'link', kind: 'link', target: 'run.sh' },
  ])
  const task = taskWith(secret, tree)
  const mounts = await files.place(task)
  expect(mounts).toEqual([
    { Type: 'bind', Source: join(base, 'files/t1/0'), Target: '/conf', ReadOnly: true },
    { Type: 'bind', Source: join(base, 'secrets/t1/0'), Target: '/run/secrets/key', ReadOnly: true },
  ])
  expect(inMemory).toEqual([join(base, 'secrets')])
  expect(readFileSync(join(base, 'secrets/t1/0'), 'utf8')).toBe('hunter2')
  expect(statSync(join(base, 'secrets/t1/0')).mode & 0o777).toBe(0o400)
  expect(statSync(join(base, 'secrets/t1')).mode & 0o777).toBe(0o700)
  expect(statSync(join(base, 'files/t1/0/run.sh')).mode & 0o777).toBe(0o755)
  expect(readlinkSync(join(base, 'files/t1/0/link'))).toBe('run.sh')
  expect(await files.place(task)).toEqual(mounts)
  await files.remove('t1')
  expect([...readdirSync(join(base, 'files')), ...readdirSync(join(base, 'secrets'))]).toEqual([])
})

it('removes what a predecessor left, half done or whole, and not what tasks have', async () => {
  const { files, keep } = lab()
  const config = await keep({ kind: 'config', name: 'c', target: '/c' }, [one('c')])
  await files.place(taskWith(config))
  await files.place(taskRecord({ id: 't2', spec: serviceSpec({ files: [config] }) }))
  await files.removeAllBut(new Set(['t2']))
  expect(readdirSync(join(base, 'files'))).toEqual(['t2'])
})

it('says what is missing if the cluster does not have it', async () => {
  const { files } = lab()
  const lost: FileSpec = { kind: 'secret', name: 'key', target: '/run/secrets/key', id: 'a'.repeat(64) }
  await expect(files.place(taskWith(lost))).rejects.toThrow('The cluster has no secret key: apply the project again')
})
