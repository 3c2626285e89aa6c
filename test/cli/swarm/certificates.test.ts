import { expect, it } from 'vitest'
import type { Clock } from '../../../src/core/clock.ts'
import { pollingClock } from '../support/run.ts'
import { swarmManager } from '../support/swarm-manager.ts'

interface Answers {
  /** What is answered to one question after another about who has acted; the last again and again. */
  readonly revocations?: readonly (readonly [status: number, body: object])[]
  readonly taken?: object
  /** Who has another key, one look after another. */
  readonly renewing?: readonly (readonly string[])[]
}

/** Polls pass at once, and what was to be done in 900 ms is late once it was looked at twice. */
function deadlines(isLate: () => boolean): Clock {
  const clock = pollingClock()
  const late: (() => void)[] = []
  return {
    ...clock,
    setTimer(delayMs, run) {
      if (delayMs === 900) {
        late.push(run)
        return { cancel() {} }
      }
      return clock.setTimer(delayMs, () => {
        if (isLate()) for (const each of late.splice(0)) each()
        run()
      })
    },
  }
}

async function manager({ revocations = [], taken = {}, renewing = [] }: Answers) {
  const asked: string[] = []
  const clock = deadlines(() => asked.filter(each => each.startsWith('GET')).length >= 2)
  const [acts, looks] = [[...revocations], [...renewing]]
  const { swarm } = await swarmManager(({ method = '', url = '' }, response) => {
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    asked.push(`${method} ${url}`)
    if (method === 'DELETE') return answer(200, taken)
    if (url.startsWith('/v1/certificates/n9')) return answer(404, { code: 'NO_SUCH_CERTIFICATE', message: 'Nobody' })
    if (method === 'POST') return answer(200, {})
    if (url === '/v1/revocations') {
      const [status, body] = (acts.length > 1 ? acts.shift() : acts[0]) ?? [200, {}]
      return answer(status, body)
    }
    const still = (looks.length > 1 ? looks.shift() : looks[0]) ?? []
    const owners = ['n1', 'n2'].map(name => ({ name, role: 'node', isRenewing: still.includes(name) }))
    answer(200, still.includes('gone') ? [] : owners)
  }, clock)
  return { swarm, asked }
}

const AWAY = [503, { code: 'STORE_UNAVAILABLE', message: 'the store is away' }] as const
const waits = (waitsFor: readonly string[], hasForeignStore = false) => [200, { waitsFor, hasForeignStore }] as const

it('has taken back what every manager, and the store, has acted on', async () => {
  const { swarm, asked } = await manager({ revocations: [waits(['m1', 'm2']), AWAY, waits(['m2']), waits([])] })
  expect(await swarm('cert', 'revoke', 'n1')).toEqual({ code: 0, stdout: 'n1\n', stderr: '' })
  expect(asked.filter(each => each === 'GET /v1/revocations')).toHaveLength(4)
})

it('says who has not acted in time, and what that means', async () => {
  const { swarm } = await manager({ revocations: [waits(['m2'])] })
  const { code, stdout, stderr } = await swarm('cert', 'revoke', '--timeout', '900ms', 'n1', 'n2')
  expect([code, stdout]).toEqual([1, ''])
  expect(
    stderr.match(/^The certificate of n\d is taken back, but m2 has not acted on it within 0.9 s: /gm),
  ).toHaveLength(2)
})

it('waits for nobody where no time is given', async () => {
  const { swarm, asked } = await manager({ revocations: [waits(['m2'])] })
  expect(await swarm('cert', 'revoke', '--timeout', '0s', 'n1')).toMatchObject({ code: 0 })
  expect(asked).toEqual(['DELETE /v1/certificates/n1'])
})

it.each([
  ['node', 'n1 is gone from it'],
  ['client', ''],
])('says what a store of others does not know, of a %s', async (role, told) => {
  const { swarm } = await manager({
    revocations: [waits([], true)],
    taken: { role, until: '2027-01-01T00:00:00.000Z' },
  })
  const { code, stderr } = await swarm('cert', 'revoke', 'n1')
  expect([code, stderr !== '']).toEqual([0, told !== ''])
  expect(stderr).toContain(told)
})

it('says that a manager of an earlier version cannot tell', async () => {
  const { swarm } = await manager({ revocations: [[404, { code: 'NO_SUCH_PAGE', message: 'page not found' }]] })
  expect(await swarm('cert', 'revoke', 'n1')).toMatchObject({
    code: 0,
    stderr: 'This manager cannot tell whether all have acted on what was taken back of n1\n',
  })
})

it('has all make another key at once, and is done when each shows it', async () => {
  const { swarm, asked } = await manager({ renewing: [['n1', 'n2'], ['n1', 'n2'], ['n1'], []] })
  expect(await swarm('cert', 'renew', '--revoke-old', 'n1', 'n2')).toEqual({ code: 0, stdout: 'n1\nn2\n', stderr: '' })
  expect(asked.filter(each => each.startsWith('POST'))).toEqual([
    'POST /v1/certificates/n1/renew?revokeOld=1',
    'POST /v1/certificates/n2/renew?revokeOld=1',
  ])
})

it.each([
  [{ renewing: [['n1']] }, 'n1', 'n1 has not taken another key into use within 0.9 s'],
  [{ renewing: [['n1'], ['gone']] }, 'n1', 'The certificate of n1 was taken back meanwhile'],
  [{}, 'n9', 'Nobody'],
])('says whose key stays what it was, and why (%#)', async (answers, name, told) => {
  const { swarm } = await manager(answers)
  const { code, stdout, stderr } = await swarm('cert', 'renew', '--timeout', '900ms', name)
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(told)])
})

it('asks nobody for another key with --dry-run', async () => {
  const { swarm, asked } = await manager({})
  expect(await swarm('cert', 'renew', '--dry-run', 'n1', 'n8')).toMatchObject({ code: 1, stdout: 'n1\n' })
  expect(asked).toEqual(['GET /v1/certificates'])
})
