import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createEtcdStore } from '../../../src/discovery/index.ts'
import { obtainIdentity } from '../../../src/main/trust/obtain-identity.ts'
import { createCertificateMaker, LiveIdentity } from '../../../src/trust/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { docker } from '../../support/docker-cli.ts'
import { startDockerd } from '../../support/dockerd.ts'
import { until } from '../manager/support.ts'
import { TrustLab } from './lab.ts'

const lab = new TrustLab()

beforeAll(() => lab.open({ isExternal: true }))
afterAll(() => lab.close())

async function nodeIsHealthy(): Promise<void> {
  const healthy = async () => (await lab.swarm('node', 'ls', '--format', '{{.Name}} {{.Health}}')) === 'n1 healthy'
  await until('the node', healthy, 90_000)
}

it('keeps a cluster in a store of others, and survives the manager that made it', async () => {
  const token = await lab.swarm('token', 'create', '--role', 'manager', '--once')
  const second = await lab.addManager('m2', token)
  lab.asked = 'm2'
  await until('the second manager', async () => (await lab.swarm('cert', 'ls', '-q')).includes('m2'))
  // It signs as the first does.
  lab.startAgent('n1', ['--token', await lab.swarm('token', 'create')], second)
  await nodeIsHealthy()
  await lab.kill('m')
  const drain = ['node', 'update', '--availability', 'drain', 'n1']
  await until('the second manager to lead', async () => lab.swarm(...drain).then(() => true))
  expect(await lab.swarm('node', 'ls', '--format', '{{.Name}} {{.Availability}}')).toBe('n1 drain')
  await expect(lab.swarm('ca', 'rotate')).rejects.toThrow('its store is run by others')
  // What is started anew finds the manager that is left, and the first one comes back as it was.
  await lab.stop('n1')
  lab.startAgent('n1', [], second)
  await nodeIsHealthy()
  lab.startManager()
  lab.asked = 'm'
  await nodeIsHealthy()
})

it('has a store of others refuse whose certificate is taken back, on open connections too', async () => {
  expect(lab.output('m')).toContain('the store is run by others')
  const wish = { directory: lab.data('n5'), name: 'n5', role: 'node' as const, hosts: [], managers: [lab.manager] }
  const token = await lab.swarm('token', 'create')
  const ports = { clock: systemClock, maker: createCertificateMaker(systemRandom), signal: AbortSignal.timeout(60_000) }
  const { credentials, membership } = await obtainIdentity({ ...wish, token }, ports)
  const tls = new LiveIdentity(credentials).own()
  const store = createEtcdStore({ endpoints: membership.storeEndpoints, clock: systemClock, tls })
  try {
    expect(await store.get('/shoal/lab/meta')).toBeDefined()
    await lab.swarm('cert', 'revoke', 'n5')
    await expect(store.get('/shoal/lab/meta')).rejects.toThrow('permission denied')
  } finally {
    await store.close()
  }
})

it('takes an engine of others in, which is reached with certificates alone', async () => {
  const engine = await startDockerd()
  try {
    const archive = join(lab.directory, 'busybox.tar')
    await writeFile(archive, await busyboxArchive())
    expect(await docker(engine.host, ['load', '-i', archive])).toMatchObject({ code: 0 })
    lab.startAgent('n2', ['--token', await lab.swarm('token', 'create'), '--engine', engine.host])
    const nodes = async () => (await lab.swarm('node', 'ls', '--format', '{{.Name}} {{.Health}}')).split('\n')
    await until('the engine', async () => (await nodes()).includes('n2 healthy'), 90_000)
    const ann = await lab.person('ann')
    const run = ['run', '--rm', '-i', '--network', 'none', '-e', 'constraint:node==n2', 'busybox:test', 'cat']
    const say = async () => (await lab.docker(ann, run, 'through all of them')) === 'through all of them'
    // The manager hears of the engine's images after it has heard of the engine.
    await until('a container', say)
  } finally {
    await lab.stop('n2')
    await engine.stop()
  }
})
