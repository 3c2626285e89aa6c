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

const asked = new DOMException('Ended by SIGTERM', { name: 'AbortError', cause: 'SIGTERM' })

it.each([
  ['logs -f web', undefined, 130],
  ['logs -f web', asked, 143],
  ['events', undefined, 130],
  ['events', asked, 143],
  ['stats web', asked, 143],
  ['wait web', asked, 143],
  ['pull app', asked, 143],
] as const)('`%s` ends without a word when it is told to: %s', async (line, reason, code) => {
  const controller = new AbortController()
  const outcome = await runAgainst(
    line.split(' '),
    ({ url = '' }, response) => {
      if (url === '/containers/web/json') return reply(response, 200, container)
      // The answer has begun, and goes on.
      response.writeHead(200, { 'content-type': 'application/json' }).write('\n')
      setImmediate(() => controller.abort(reason))
    },
    { signal: controller.signal },
  )
  expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code, stderr: '' })
})
