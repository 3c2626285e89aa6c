import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { reply, runAgainst } from '../support/one-engine.ts'

const gone = (response: ServerResponse, what: string): void => reply(response, 404, { message: `No such ${what}` })

/** Answers removals: what is named `no…` is not there, what is named `used…` is in use. */
function removing(request: IncomingMessage, response: ServerResponse): void {
  const name = (request.url ?? '').split('?')[0]?.split('/').at(-1) ?? ''
  if (name.startsWith('no')) return gone(response, `thing: ${name}`)
  if (name.startsWith('used')) return reply(response, 409, { message: `${name} is in use` })
  reply(response, 200, [])
}

it.each([
  ['rm a nope b', 1, 'a\nb\n', 'Error response from daemon: No such thing: nope\n'],
  ['rm -f a nope b', 0, 'a\nb\n', 'Error response from daemon: No such thing: nope\n'],
  [
    'rm -f nope used',
    1,
    '',
    'Error response from daemon: No such thing: nope\nError response from daemon: used is in use\n',
  ],
  ['rmi nope', 1, '', 'Error response from daemon: No such thing: nope\n'],
  ['rmi -f nope', 0, '', 'Error response from daemon: No such thing: nope\n'],
  ['network rm -f nope a', 0, 'a\n', ''],
  ['network rm nope a', 1, 'a\n', 'Error response from daemon: No such thing: nope\n'],
  ['rm /', 1, '', 'container name cannot be empty\n'],
])('%s', async (line, code, stdout, stderr) => {
  expect(await runAgainst(line.split(' '), removing)).toEqual({ code, stdout, stderr })
})

it.each(['stop', 'restart', 'kill', 'pause', 'unpause', 'wait', 'rm'])(
  '%s asks for all of them at once, and tells them in their order',
  async verb => {
    const waiting: (() => void)[] = []
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      waiting.push(() => reply(response, 200, { StatusCode: 0 }))
      request.resume()
      // The last one that is asked for is answered first.
      if (waiting.length === 3) for (const send of waiting.toReversed()) send()
    }
    const { code, stdout } = await runAgainst([verb, 'a', 'b', 'c'], answer)
    expect({ code, stdout }).toEqual({ code: 0, stdout: verb === 'wait' ? '0\n0\n0\n' : 'a\nb\nc\n' })
  },
)

it.each([
  ['stop -t x a', 'invalid argument "x" for "-t, --timeout" flag'],
  ['ps -n x', 'invalid argument "x" for "-n, --last" flag'],
  ['ps -f x', 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)'],
  ['container prune -f --filter x', 'invalid argument "x" for "--filter" flag: bad format of filter'],
  ['volume create --label =a v', 'invalid argument "=a" for "--label" flag: invalid label'],
  ['network create --gateway 10.0.0.1 n', 'every ip-range or gateway must have a corresponding subnet'],
  ['logs --since soon a', 'invalid value for "since": failed to parse value as time or duration: "soon"'],
  ['port a http', 'Error: invalid port (http)'],
  ['system prune -f --volumes --filter until=1h', 'The "until" filter is not supported with "--volumes"'],
])('%s is refused', async (line, message) => {
  const container = { Id: 'a', Config: {}, NetworkSettings: { Ports: {} } }
  const { code, stderr } = await runAgainst(line.split(' '), (_request, response) => reply(response, 200, container))
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
})

it('ps -q takes no format', async () => {
  const answer = (_request: IncomingMessage, response: ServerResponse): void => reply(response, 200, [])
  expect(await runAgainst(['ps', '-q', '--format', '{{.Names}}'], answer)).toEqual({
    code: 0,
    stdout: '',
    stderr: 'WARNING: Ignoring custom format, because both --format and --quiet are set.\n',
  })
})
