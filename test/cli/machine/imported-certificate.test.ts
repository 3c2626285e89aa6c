import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemRandom } from '../../../src/core/random.ts'
import { createCertificateMaker } from '../../../src/trust/index.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
let other: FakeWorld
beforeEach(() => {
  world = fakeWorld()
  other = fakeWorld()
})
afterEach(async () => {
  await world.dispose()
  await other.dispose()
})

describe("the certificate of an engine that somebody else's authority signed", () => {
  const create = ['create', '--host', '10.0.0.1', '--accept-new', 'n1']
  let whyNot: string | undefined
  beforeEach(async () => {
    await world.machine(...create)
    const { csr } = await createCertificateMaker(systemRandom).request({ name: 'n1', hosts: [] })
    const signed = await world.provisioned[0]?.request.certifier?.sign(csr, { name: 'n1', hosts: ['n1'] })
    const well = other.finish
    other.finish = async (request, options) => {
      whyNot = request.certifier?.whyNot(signed?.certificate ?? '', ['n1', 'another'])
      return well(request, options)
    }
  })

  const handOver = async (flags: readonly string[], input: string): Promise<void> => {
    const file = join(world.root, 'n1.json')
    expect(await world.answering(input, 'export', ...flags, '-o', file, 'n1')).toMatchObject({ code: 0 })
    expect(await other.answering(input, 'import', file)).toMatchObject({ code: 0 })
  }
  const copies = ['ca.pem', 'cert.pem', 'key.pem'].map(name => `machines/n1/${name}`)

  it.each([
    ['provision', 'n1'],
    ['create', '--tls-san', 'another', 'n1'],
  ])('is left where the machine was taken over without keys and gets %s', async (...verb) => {
    await handOver([], '')
    const { code, stderr } = await other.machine(...verb)
    expect([code, stderr]).toEqual([0, expect.stringContaining('was left: `machine regenerate-certs n1`')])
    expect([whyNot, other.asked]).toEqual([undefined, []])
    expect(await readdir(join(other.root, 'machines/n1'))).not.toContain('key.pem')
  })

  it('is left, and what was handed on goes on to be what lets one in', async () => {
    await other.machine('create', '--host', '10.0.0.2', '--accept-new', 'n2')
    await handOver(['--with-keys'], 'tree house\n')
    expect((await other.machine('provision', 'n1')).stderr).toContain('was left')
    expect([whyNot, other.asked]).toEqual([undefined, ['tcp://10.0.0.2:2376', 'tcp://10.0.0.1:2376']])
    expect(copies.map(other.readFile)).toEqual(copies.map(world.readFile))
  })

  it('is replaced by whoever says so', async () => {
    await handOver([], '')
    const { code, stderr } = await other.machine('regenerate-certs', '-f', 'n1')
    expect([code, stderr.includes('was left'), whyNot]).toEqual([0, false, 'as you asked'])
    expect(other.readFile('machines/n1/ca.pem')).toBe(other.readFile('certs/ca.pem'))
    expect(other.asked).toEqual(['tcp://10.0.0.1:2376'])
  })
})
