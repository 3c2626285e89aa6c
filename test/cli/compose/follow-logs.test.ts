import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'

const { manager, compose } = composeProject('name: shop\nservices: {db: {image: "db:1"}}\n')

/** Waits until the project was looked at so many times more. */
async function looks(times: number): Promise<void> {
  const count = (): number => manager().calls.filter(call => call === 'GET /v1/projects/shop').length
  const wanted = count() + times
  while (count() < wanted) await new Promise(setImmediate)
}

it('logs -f --tail 0 shows nothing of a container that had ended, until it runs again', async () => {
  await compose('up -d')
  manager().logs.set('c-db-1', ['2026-01-01T00:00:01Z one'])
  manager().lives.set('db', [{ state: 'complete', exitCode: 0 }])
  const stop = new AbortController()
  const following = compose('logs -f --tail 0', { signal: stop.signal })
  await looks(6)
  expect(manager().calls.filter(call => call.includes('/logs'))).toEqual([])
  manager().lives.delete('db')
  await looks(6)
  stop.abort()
  expect(await following).toMatchObject({ code: 130, stdout: '', stderr: '' })
  expect(manager().calls.find(call => call.includes('/c-db-1/logs'))).toContain('tail=0')
})
