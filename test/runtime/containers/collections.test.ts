import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { checkContainerName, inventContainerName } from '../../../src/runtime/containers/container-name.ts'
import { ContainerTable } from '../../../src/runtime/containers/container-table.ts'
import { Waiters } from '../../../src/runtime/containers/life/waiters.ts'
import { aRecord } from './support.ts'

describe('the table of containers', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-table-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const open = () => ContainerTable.open(folder, silentLog)
  const [A, B] = [`ab${'0'.repeat(62)}`, `ac${'0'.repeat(62)}`]

  it('remembers over restarts, finds by id, prefix and name', async () => {
    const table = await open()
    await table.add(aRecord({ id: A, name: 'one' }))
    await table.add(aRecord({ id: B, name: 'two' }))
    await table.update(A, record => ({ ...record, restartCount: 3 }))
    const again = await open()
    expect(again.get('one').restartCount).toBe(3)
    expect(again.get('/two').id).toBe(B)
    expect(again.get('ab').id).toBe(A)
    expect(() => again.get('a')).toThrow('Multiple IDs found with provided prefix: a')
    expect(() => again.get('zz')).toThrow('No such container: zz')
  })

  it('has each name once, and frees the names of what is renamed or removed', async () => {
    const table = await open()
    await table.add(aRecord({ id: A, name: 'one' }))
    await expect(table.add(aRecord({ id: B, name: 'one' }))).rejects.toMatchObject({ status: 409 })
    expect(table.find(B)).toBeUndefined()
    await table.update(A, record => ({ ...record, name: 'other' }))
    await table.add(aRecord({ id: B, name: 'one' }))
    await table.remove(B)
    expect(table.isNameTaken('one')).toBe(false)
    expect(readdirSync(folder)).toEqual([A])
  })

  it('writes the last of many changes, whole', async () => {
    const table = await open()
    await table.add(aRecord({ id: A }))
    await Promise.all(
      Array.from({ length: 50 }, () =>
        table.update(A, record => ({ ...record, restartCount: record.restartCount + 1 })),
      ),
    )
    expect(JSON.parse(readFileSync(join(folder, A, 'record.json'), 'utf8'))).toMatchObject({ restartCount: 50 })
  })

  it('sets aside what it cannot read', async () => {
    const table = await open()
    await table.add(aRecord({ id: A }))
    writeFileSync(join(folder, A, 'record.json'), '{"id":')
    expect((await open()).all()).toEqual([])
    expect(readdirSync(join(folder, A))).toEqual(['record.json.bad'])
    await open()
    expect(readdirSync(folder)).toEqual([A])
  })

  it('clears away folders without a record, as a crash on the way to one leaves them', async () => {
    await (await open()).add(aRecord({ id: A }))
    mkdirSync(join(folder, B))
    writeFileSync(join(folder, B, 'record.json.tmp'), '{')
    expect((await open()).all().map(({ id }) => id)).toEqual([A])
    expect(readdirSync(folder)).toEqual([A])
  })
})

describe('waiters', () => {
  it('are told what they wait for, and can leave', async () => {
    const waiters = new Waiters()
    const { signal } = new AbortController()
    const exit = waiters.wait('a', 'next-exit', signal)
    const removed = waiters.wait('a', 'removed', signal)
    const gone = new AbortController()
    const left = waiters.wait('a', 'removed', gone.signal)
    gone.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    waiters.tell('a', ['next-exit', 'not-running'], 3)
    expect(await exit).toBe(3)
    waiters.tell('a', ['removed'], 4)
    expect(await removed).toBe(4)
  })
})

describe('names', () => {
  it.each(['a/b', '', '-x', 'x', 'a b', 'ü12'])('%j is refused', name => {
    expect(() => checkContainerName(name)).toThrow('Invalid container name')
  })
  it.each(['/web', 'web.1_a-b', 'a1'])('%j is accepted', name => {
    expect(checkContainerName(name)).toBe(name.replace('/', ''))
  })
  it('are invented until one is free', () => {
    const taken = new Set<string>()
    for (let count = 0; count < 2_000; count++) {
      const name = inventContainerName(seededRandom(count % 7), name => taken.has(name))
      expect(taken.has(name)).toBe(false)
      checkContainerName(name)
      taken.add(name)
      if (taken.size > 60) taken.clear()
    }
  })
})
