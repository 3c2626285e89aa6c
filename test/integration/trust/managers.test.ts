import { afterAll, beforeAll, expect, it } from 'vitest'
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
  await nodeIsHealthy()
  await lab.swarm('node', 'update', '--availability', 'drain', 'n1')
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
