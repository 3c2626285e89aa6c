import { existsSync, mkdtempSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replaceAccess } from '../../../src/cli/commands/machine/certs/engine-access.ts'
import { untilWhole } from '../../../src/cli/commands/machine/make/unfinished.ts'
import { failed } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { MachineStore } from '../../../src/machine/index.ts'
import { MACHINE } from '../../machine/provision/scene.ts'
import { makeAuthority } from '../../support/make-certificate.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-store-'))
})
afterEach(() => rm(root, { recursive: true }))

const context = { signal: new AbortController().signal }
const ports = {
  clock: new ManualClock(),
  files: {
    async writeDurably(path: string, text: string | Uint8Array) {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    },
    lock: () => ({ held: true, release() {} }) as const,
  },
}
/** Another process removes the machine while this one waits for it. */
class RemovedMeanwhile extends MachineStore {
  override async exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.remove(name)
    return super.exclusively(name, signal, work)
  }
}

class FullDisk extends MachineStore {
  override setUnfinished(): Promise<void> {
    return Promise.reject(failed('STORE_WRITE', 'no space left'))
  }
}

it('brings no key of a machine back that is removed at the same time', async () => {
  const { certificate, key } = await makeAuthority()
  const files = { authority: certificate, certificate, key }
  const names = { 'ca.pem': certificate, 'cert.pem': certificate, 'key.pem': 'old' }
  for (const store of [new MachineStore(root, ports), new RemovedMeanwhile(root, ports)]) {
    await store.save(MACHINE)
    for (const [name, text] of Object.entries(names)) await store.writeFile('n1', name, text)
    await replaceAccess('n1', files, { store, context })
    expect(existsSync(store.folderOf('n1'))).toBe(!(store instanceof RemovedMeanwhile))
  }
})

it('says why making a machine failed where the store cannot keep it', async () => {
  const store = new FullDisk(root, ports)
  await new MachineStore(root, ports).save(MACHINE)
  await store.writeFile('n1', 'unfinished.json', '{}')
  const steps = { at: () => 'engine', failure: () => undefined } as unknown as Parameters<typeof untilWhole>[2]
  const work = () => Promise.reject(failed('HOST', 'its disk is full'))
  await expect(untilWhole('n1', { store, context }, steps, work)).rejects.toThrow('its disk is full')
})

it('names the file that it cannot remove', async () => {
  const store = new MachineStore(root, ports)
  await mkdir(join(store.folderOf('n1'), 'unfinished.json'), { recursive: true })
  await expect(store.setUnfinished('n1', undefined)).rejects.toMatchObject({
    code: 'STORE_WRITE',
    message: expect.stringContaining('unfinished.json'),
  })
})

it('removes what others left half-written who had the lock before, and no host key that is being pinned', async () => {
  const store = new MachineStore(root, ports)
  await store.save(MACHINE)
  await mkdir(join(root, 'certs'))
  const folder = store.folderOf('n1')
  const drafts = ['key.pem.00ff.tmp', 'machine.json.tmp', 'known_hosts.00ff.tmp'].map(name => join(folder, name))
  for (const path of [...drafts, join(root, 'certs/ca-key.pem.00ff.tmp')]) await writeFile(path, 'half a k')
  await store.exclusively('n1', context.signal, async () => {
    expect((await readdir(folder)).toSorted()).toEqual(['known_hosts.00ff.tmp', 'machine.json'])
  })
  expect(await store.withCertificates(context.signal, () => readdir(join(root, 'certs')))).toEqual([])
})
