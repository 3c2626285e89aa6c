import { expect, it } from 'vitest'
import { runAgainst } from '../support/one-engine.ts'

it('shows the end of what a quiet build said when it fails, however much that was', async () => {
  const line = `${JSON.stringify({ stream: 'x'.repeat(64 * 1024) })}\n`
  const outcome = await runAgainst(
    ['build', '-q', '-'],
    (_request, response) => {
      response.write(line.repeat(64))
      response.write(`${JSON.stringify({ stream: 'last words\n' })}\n`)
      response.end(`${JSON.stringify({ error: 'no', errorDetail: { message: 'no' } })}\n`)
    },
    { input: 'FROM scratch\n' },
  )
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr.slice(-15)).toBe('xlast words\nno\n')
  expect(outcome.stderr.length).toBeLessThan(2 * 1024 * 1024)
})
