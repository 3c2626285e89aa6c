import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { KeyedLock } from '../../../src/core/keyed-lock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { AttachStream } from '../../../src/runtime/containers/attach/attach-stream.ts'
import { ContainerTable } from '../../../src/runtime/containers/container-table.ts'
import { commitContainer } from '../../../src/runtime/containers/files/commit-container.ts'
import { holdFiles } from '../../../src/runtime/containers/files/hold-files.ts'
import { connectAttaching, takeAttaching } from '../../../src/runtime/containers/life/begin-run.ts'
import type { ContainerRecord } from '../../../src/runtime/containers/record.ts'
import type { Room } from '../../../src/runtime/containers/room.ts'
import type { PreparedMount } from '../../../src/runtime/ports.ts'
import { aRecord, running } from './support.ts'

const ID = 'a'.repeat(64)

describe('what fails half-way', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-half-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** A room with as much in it as a test needs. */
  const roomOf = async (record: Partial<ContainerRecord>, parts: object): Promise<Room> => {
    const table = await ContainerTable.open(join(folder, 'containers'), silentLog)
    await table.add(aRecord(record))
    const roots = {
      mount: async () => folder,
      unmount: async () => {},
      changes: async () => {
        throw failed('NO_SUCH_ROOT', 'none')
      },
    }
    return { table, roots, log: silentLog, locks: new KeyedLock(), rootUses: new Map(), ...parts } as unknown as Room
  }

  it('leaves no volume mounted when a later one cannot be', async () => {
    const entered: string[] = []
    const mounts = {
      enter: async (id: string) => {
        entered.push(id)
        throw failed('NO_DEVICE', 'the second volume has no device')
      },
      leave: async (id: string) => void entered.splice(entered.indexOf(id), 1),
    }
    const volume: PreparedMount = {
      point: { Type: 'volume', Source: folder, Destination: '/v', Mode: '', RW: true, Propagation: '' },
      type: 'bind',
      source: folder,
      destination: '/v',
      options: [],
      copyUp: false,
    }
    const room = await roomOf({ mounts: [volume, volume] }, { mounts })
    await expect(holdFiles(room, ID)).rejects.toThrow('the second volume has no device')
    expect(entered).toEqual([])
    expect(room.rootUses.size).toBe(0)
  })

  it('ends the conversation of everyone who waits for a start when one cannot be connected', async () => {
    const streams = [1, 2].map(() => new AttachStream({ tty: true, stdin: false, stdout: true, stderr: true }))
    const attaching = new Map([[ID, new Set(streams)]])
    const room = { attaching, paths: { bundles: join(folder, 'nothing') } } as unknown as Room
    expect(() => connectAttaching(room, ID)).toThrow(/ENOENT/)
    for (const stream of takeAttaching(room, ID)) stream.finish()
    for (const stream of streams) await finished(stream.resume(), { writable: false })
    expect(attaching.size).toBe(0)
  })

  describe('a commit', () => {
    /** A container that is paused for a commit, during which something else happens to it. */
    const committed = async (meanwhile: (room: Room) => Promise<unknown>) => {
      const told: string[] = []
      const parts: object = {
        runtime: { pause: async () => {}, resume: async () => {} },
        health: { stop: () => {} },
        runs: new Map(),
        oom: { begin: () => {} },
        rotator: { add: () => {} },
        paths: { bundles: folder, records: folder },
        events: { emit: (_type: string, action: string) => void told.push(action) },
        commits: {
          applyChanges: (config: object) => config,
          commit: async () => {
            await meanwhile(room)
            return 'sha256:made'
          },
        },
      }
      const room = await roomOf({ life: running }, parts)
      return { made: await commitContainer(room, ID, {}), told, life: room.table.find(ID)?.life }
    }

    it('lets the container go on', async () => {
      const { made, told, life } = await committed(async () => {})
      expect([made, told, life]).toEqual(['sha256:made', ['pause', 'commit', 'unpause'], running])
    })

    it.each<[string, ContainerRecord['life']]>([
      ['unpaused', running],
      ['killed', { status: 'idle' }],
    ])('succeeds for a container that was %s meanwhile', async (_what, life) => {
      const done = await committed(room => room.table.update(ID, record => ({ ...record, life })))
      expect(done).toEqual({ made: 'sha256:made', told: ['pause', 'commit'], life })
    })

    it('succeeds for a container that was removed meanwhile', async () => {
      expect(await committed(room => room.table.remove(ID))).toMatchObject({ made: 'sha256:made', life: undefined })
    })
  })
})
