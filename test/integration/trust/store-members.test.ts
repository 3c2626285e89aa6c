import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseHostPort } from '../../../src/discovery/index.ts'
import { identityPaths } from '../../../src/main/trust/identity-files.ts'
import { until } from '../manager/support.ts'
import { TrustLab } from './lab.ts'

const lab = new TrustLab()

beforeAll(() => lab.open())
afterAll(() => lab.close())

async function isHealthy(node: string): Promise<boolean> {
  return (await lab.swarm('node', 'ls', '--format', '{{.Name}} {{.Health}}')).split('\n').includes(`${node} healthy`)
}

/** What a member has on its disk of where the store answers. */
async function knownStores(path: string): Promise<readonly string[]> {
  const { storeEndpoints } = JSON.parse(await readFile(lab.data(join(path, 'identity', 'identity.json')), 'utf8')) as {
    storeEndpoints: string[]
  }
  return storeEndpoints
}

it('grows to three members, and outlives the first', async () => {
  const token = await lab.swarm('token', 'create', '--role', 'manager')
  lab.startAgent('n1', ['--token', await lab.swarm('token', 'create')])
  await until('the node', () => isHealthy('n1'), 90_000)
  await lab.addManager('m2', token, { hasStore: true })
  await until('the second manager', async () => /the embedded store runs/.test(lab.output('m2')), 60_000)
  // A copy that does not vote: two voters would bear no loss.
  expect(await knownStores('n1/agent')).toHaveLength(1)
  const third = await lab.addManager('m3', token, { hasStore: true })
  await until('three members', async () => (await knownStores('n1/agent')).length === 3, 60_000)

  await lab.lose('m')
  lab.asked = 'm2'
  const drain = ['node', 'update', '--availability', 'drain', 'n1']
  await until('another to lead', async () => lab.swarm(...drain).then(() => true), 30_000)
  await until('the node', () => isHealthy('n1'), 60_000)
  // The cluster grows without its first host.
  lab.startAgent('n2', ['--token', await lab.swarm('token', 'create')], third)
  await until('the other node', () => isHealthy('n2'), 90_000)

  lab.startAgain('m')
  lab.asked = 'm'
  await until('the first manager', () => isHealthy('n2'), 60_000)
  // It has caught up, and its voice is needed once more.
  await lab.lose('m2')
  const again = ['node', 'update', '--availability', 'active', 'n1']
  await until('a leader', async () => lab.swarm(...again).then(() => true), 60_000)
  // What is started anew knows whom to ask.
  await lab.stop('n1')
  lab.startAgent('n1', [])
  await until('the node again', () => isHealthy('n1'), 90_000)
})

/** What a request with the certificate of a member comes to at the etcd of a manager. */
async function ask(identity: string, at: { readonly host: string; readonly port: number; readonly path: string }) {
  const { certificate, ...files } = identityPaths(lab.data(join(identity, 'identity')))
  const [cert, key, ca] = await Promise.all([certificate, files.key, files.authorities].map(path => readFile(path)))
  const request = get({ ...at, cert, key, ca, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

async function etcdOf(manager: string) {
  const { endpoint } = JSON.parse(await readFile(lab.data(join(manager, 'etcd.json')), 'utf8')) as { endpoint: string }
  return parseHostPort(endpoint) ?? { host: '', port: 0 }
}

const REFUSED = /certificate|ECONNRESET|hang up/

it('lets nobody but managers be a member of the store', async () => {
  const { host, port } = await etcdOf('m3')
  const peers = { host, port: port + 1, path: '/members' }
  expect(await ask('m3/manager', peers)).toBe(200)
  await expect(ask('n1/agent', peers)).rejects.toThrow(REFUSED)
})

it('lets nobody in with what was taken back, at any of them', async () => {
  const health = await Promise.all(['m', 'm3'].map(async name => ({ ...(await etcdOf(name)), path: '/health' })))
  for (const at of health) expect(await ask('n2/agent', at)).toBe(200)
  // It would wait for the one that is lost.
  await lab.swarm('cert', 'revoke', '--timeout', '0s', 'n2')
  for (const at of health) {
    await until('a refusal', async () =>
      ask('n2/agent', at).then(
        () => false,
        error => REFUSED.test(String(error)),
      ),
    )
    expect(await ask('n1/agent', at)).toBe(200)
  }
})

it('goes on without a manager that is lost for good, once its certificate is taken back', async () => {
  await expect(lab.swarm('cert', 'revoke', 'm3')).rejects.toThrow('too few that vote and answer would be left')
  await lab.swarm('cert', 'revoke', 'm2')
  await until('two members', async () => (await knownStores('n1/agent')).length === 2)
  // Of two, each has to agree to its going.
  await lab.swarm('cert', 'revoke', '--timeout', '0s', 'm3')
  await until('one member', async () => (await knownStores('n1/agent')).length === 1)
  const drain = ['node', 'update', '--availability', 'drain', 'n1']
  await until('a leader', async () => lab.swarm(...drain).then(() => true), 60_000)
})
