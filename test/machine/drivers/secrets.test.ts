import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { type Machine, MachineStore, PLAIN_ENGINE, withoutSecrets } from '../../../src/machine/index.ts'

const MACHINE: Machine = {
  name: 'n1',
  driver: 'hetzner',
  settings: { 'hetzner-api-token': 'the-secret', 'hetzner-image': 'debian-12' },
  made: { 'server-id': '42' },
  engine: PLAIN_ENGINE,
  certificateNames: [],
  createdAtMs: 0,
}

let root: string
let store: MachineStore

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-secrets-'))
  const lock = () => ({ held: true, release: () => {} }) as const
  const writeDurably = (path: string, text: string | Uint8Array, mode?: number) =>
    writeFile(path, text, { mode: mode ?? 0o644 })
  store = new MachineStore(root, { clock: new ManualClock(), files: { writeDurably, lock } })
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

describe('secrets of machines', () => {
  it('lie in a file of their own that only its owner may read', async () => {
    await store.save(MACHINE)
    expect(readFileSync(join(root, 'machines/n1/machine.json'), 'utf8')).not.toContain('the-secret')
    expect(statSync(join(root, 'machines/n1/secrets.json')).mode & 0o777).toBe(0o600)
    expect(await store.load('n1')).toEqual(MACHINE)
  })

  it('are not there where a driver has none', async () => {
    const plain: Machine = { ...MACHINE, driver: 'none', settings: { url: 'tcp://10.0.0.5:2376' } }
    await store.save(plain)
    expect(() => statSync(join(root, 'machines/n1/secrets.json'))).toThrow('ENOENT')
    expect(await store.load('n1')).toEqual(plain)
  })

  it('are not told by a file that cannot be read', async () => {
    await store.save(MACHINE)
    writeFileSync(join(root, 'machines/n1/secrets.json'), '{"hetzner-api-token":"the-secret"')
    const error: unknown = await store.load('n1').catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'BAD_MACHINE_FILE' })
    expect(String(error)).not.toContain('the-secret')
  })

  it('are hidden where a machine is shown', () => {
    expect(withoutSecrets(MACHINE)).toMatchObject({
      settings: { 'hetzner-api-token': '(secret)', 'hetzner-image': 'debian-12' },
    })
  })
})
