import { expect, it } from 'vitest'
import { swarmManager } from '../support/swarm-manager.ts'

const TOKENS = [
  { id: 't1', role: 'node', once: false, createdMs: 0, expiresMs: 1 },
  { id: 't2', role: 'client', once: true, createdMs: 0, expiresMs: 1 },
]
const OWNERS = ['n1', 'n2'].map(name => ({ name, role: 'node', hosts: [], fingerprint: 'f', expiresAt: 'soon' }))

/** A manager that knows two tokens and two owners of certificates, and what it was asked to change. */
async function manager(step = 'steady') {
  const changes: string[] = []
  const { swarm } = await swarmManager(({ method = '', url = '' }, response) => {
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (method !== 'GET') changes.push(`${method} ${url}`)
    if (url.endsWith('/gone'))
      return answer(404, { code: 'NO_SUCH_CERTIFICATE', message: 'Nobody called gone has a certificate' })
    if (url === '/v1/tokens') return answer(200, TOKENS)
    if (url === '/v1/certificates') return answer(200, OWNERS)
    if (url === '/v1/revocations') return answer(200, { waitsFor: [], hasForeignStore: false })
    const isChanged = changes.some(each => each.includes('/rotate'))
    if (url.startsWith('/v1/authority'))
      return answer(200, { authorities: [], step: isChanged ? 'steady' : step, waitsFor: ['n9'] })
    answer(200, {})
  })
  return { swarm, changes }
}

it('revokes every name it can, and tells which it cannot', async () => {
  const { swarm, changes } = await manager()
  const outcome = await swarm('cert', 'revoke', 'n1', 'gone', 'n2')
  expect(outcome).toMatchObject({ stdout: 'n1\nn2\n', code: 1 })
  expect(outcome.stderr).toContain('Nobody called gone has a certificate')
  expect(changes).toHaveLength(3)
})

it.each([
  [['token', 'create', '--role', 'manager'], 0, 'Would make a join token for the role manager'],
  [['token', 'rotate', 'client'], 0, 'Would end the join token t2\nWould make'],
  [['token', 'rm', 't1', 't9'], 1, 'There is no t9'],
  [['cert', 'revoke', 'n1', 'gone'], 1, 'There is no gone'],
  [['ca', 'rotate'], 0, 'Would change the authority'],
])('changes nothing for %j with --dry-run', async (argv, code, told) => {
  const { swarm, changes } = await manager()
  const outcome = await swarm(...argv, '--dry-run')
  expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(told) })
  expect(changes).toEqual([])
})

it('refuses to say what a change of the authority would do that is under way, unless forced', async () => {
  const { swarm, changes } = await manager('introducing')
  expect(await swarm('ca', 'rotate', '--dry-run')).toMatchObject({ code: 3 })
  expect((await swarm('ca', 'rotate', '--dry-run', '--force')).stderr).toContain('without n9')
  expect((await swarm('ca', 'rotate', '--dry-run', '--wait')).stderr).toContain('Would wait')
  expect(changes).toEqual([])
})

it.each([
  ['introducing', '?resume=1'],
  ['steady', '?'],
])('waits for a change of the authority that runs, and begins one otherwise (%s)', async (step, query) => {
  const { swarm, changes } = await manager(step)
  expect(await swarm('ca', 'rotate', '--wait')).toMatchObject({ code: 0 })
  expect(changes).toEqual([`POST /v1/authority/rotate${query}`])
})
