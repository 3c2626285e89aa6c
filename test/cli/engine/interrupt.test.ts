import { expect, it } from 'vitest'
import { reply, runAgainst } from '../support/one-engine.ts'

const container = { Id: 'web', State: { Running: true }, Config: { Tty: false } }

it.each([
  ['exec web ls', '/exec/e1/start'],
  ['attach web', '/containers/web/attach'],
  ['run app', '/containers/web/attach'],
])('Ctrl-C ends `%s` while the engine hangs', async (line, silent) => {
  const controller = new AbortController()
  const outcome = await runAgainst(
    line.split(' '),
    ({ method, url = '' }, response) => {
      if (url.startsWith(silent)) return controller.abort()
      if (url === '/containers/web/exec') return reply(response, 201, { Id: 'e1' })
      if (method === 'POST') return reply(response, 201, { Id: 'web', Warnings: null })
      return reply(response, 200, container)
    },
    { signal: controller.signal },
  )
  expect(outcome).toMatchObject({ code: 130, stdout: '' })
})
