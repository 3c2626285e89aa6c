import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { commandLineOf } from '../../scripts/lib/processes.ts'
import { driverOf } from '../../src/machine/index.ts'
import { VmStore } from './support.ts'

let vms: VmStore

/** Processes whose command line has an id. */
const processesWith = (id: string): string[] =>
  readdirSync('/proc').filter(entry => /^\d+$/.test(entry) && commandLineOf(Number(entry)).includes(id))

beforeAll(() => {
  vms = new VmStore()
})

afterAll(async () => {
  await vms.end()
})

describe('a virtual machine', () => {
  it('is made of an image, and lets its person in with the key that was made for it', async () => {
    await vms.create('one', { 'qemu-disk': '6000', 'qemu-ssh-user': 'ann' })
    expect(await vms.state('one')).toBe('Running')
    expect(await vms.tell('one', 'hostname')).toBe('one')
    expect(await vms.tell('one', 'id', '-un')).toBe('ann')
    expect(await vms.tell('one', 'sudo', '-n', 'id', '-u')).toBe('0')
    // What a host needs to become a member is there, without a network.
    expect(await vms.tell('one', 'sudo', 'runc', '--version')).toContain('runc version')
    const fills = async (): Promise<boolean> =>
      Number((await vms.tell('one', 'df', '--output=size', '-B1000000', '/')).split('\n')[1]) > 5_000
    await until('the file system to fill the disk', async () => ((await fills()) ? true : undefined))
  })

  it('goes back to a snapshot of its memory and its disk', async () => {
    const { snapshots } = driverOf('qemu')
    const [machine, ports, signal] = [await vms.store.load('one'), vms.ports('one'), new AbortController().signal]
    await vms.tell('one', 'sh', '-c', 'echo before > state; sync')
    await snapshots?.create(machine, 'first', ports, signal)
    await vms.tell('one', 'sh', '-c', 'echo after > state; sync')
    expect(await snapshots?.list(machine, ports, signal)).toMatchObject([{ name: 'first' }])
    await snapshots?.restore(machine, 'first', ports, signal)
    expect(await vms.tell('one', 'cat', 'state')).toBe('before')
    await snapshots?.remove(machine, 'first', ports, signal)
    expect(await snapshots?.list(machine, ports, signal)).toEqual([])
    await expect(snapshots?.restore(machine, 'first', ports, signal)).rejects.toThrow('has no snapshot "first"')
  })

  it('is stopped when its process dies, and keeps its disk', async () => {
    await vms.tell('one', 'sh', '-c', 'echo kept > state; sync')
    const pid = Number(await readFile(join(vms.store.folderOf('one'), 'qemu.pid'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    await until('the state to tell', async () => ((await vms.state('one')) === 'Stopped' ? true : undefined))
    await vms.work('one', 'start')
    expect(await vms.state('one')).toBe('Running')
    expect(await vms.tell('one', 'cat', 'state')).toBe('kept')
  })

  it('ends its services when it is stopped', async () => {
    await vms.work('one', 'stop')
    expect(await vms.state('one')).toBe('Stopped')
    expect(await readFile(join(vms.store.folderOf('one'), 'console.log'), 'utf8')).toContain('Power down')
  })

  it('leaves nothing when it is removed', async () => {
    const id = String((await vms.store.load('one')).made?.['id'])
    await vms.work('one', 'start')
    expect(processesWith(id)).toHaveLength(1)
    await vms.work('one', 'remove')
    expect(processesWith(id)).toEqual([])
    expect(readdirSync(vms.store.folderOf('one'))).toEqual(['machine.json'])
    // Again, as somebody would whose first time was cut off.
    await vms.work('one', 'remove')
  })
})
