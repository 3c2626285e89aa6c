import { expect, it } from 'vitest'
import { type Answer, reply, runAgainst } from '../support/one-engine.ts'

const sample = {
  id: 'kept',
  name: '/kept',
  cpu_stats: { cpu_usage: { total_usage: 0 } },
  memory_stats: {},
  pids_stats: {},
}

const engine: Answer = ({ url }, response) => {
  if (url?.startsWith('/containers/json') === true) return reply(response, 200, [{ Id: 'gone' }, { Id: 'kept' }])
  if (url?.startsWith('/containers/kept/stats') === true) return reply(response, 200, sample)
  return reply(response, 404, { message: 'No such container: gone' })
}

it('goes on without a container that was removed after it was listed', async () => {
  const outcome = await runAgainst(['stats', '--no-stream', '--format', '{{.Name}}'], engine)
  expect(outcome).toEqual({ code: 0, stdout: 'kept\n', stderr: '' })
})

it('refuses a container that was named and is not there', async () => {
  const outcome = await runAgainst(['stats', '--no-stream', 'gone'], engine)
  expect(outcome).toEqual({ code: 1, stdout: '', stderr: 'Error response from daemon: No such container: gone\n' })
})
