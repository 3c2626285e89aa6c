import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runAgainst } from '../support/one-engine.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-build-'))
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(folder, 'token'), 'secret')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What a build of the folder asks the engine for. */
async function build(flags: readonly string[], env: Record<string, string> = {}) {
  let query = new URLSearchParams()
  let headers: IncomingMessage['headers'] = {}
  let first = 0
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    query = new URL(request.url ?? '', 'http://engine').searchParams
    headers = request.headers
    request.once('data', (data: Buffer) => (first = data[0] ?? 0))
    request.on('end', () => response.end(`${JSON.stringify({ stream: 'Step 1/1\n', aux: { ID: 'sha256:1' } })}\n`))
  }
  const outcome = await runAgainst(['build', ...flags, folder], answer, { env, cwd: folder })
  return { ...outcome, query, headers, first }
}

it('asks for what the flags say', async () => {
  const limits = ['--ulimit', 'nofile=5:6', '--cgroup-parent', '/builds', '-m', '64m', '--memory-swap', '-1']
  const names = [
    '-t',
    'a',
    '-t',
    'b',
    '--build-arg',
    'A=1',
    '--build-arg',
    'HERE',
    '--build-arg',
    'GONE',
    '--label',
    'x=y',
  ]
  const { query, code } = await build([...limits, ...names, '--add-host', 'h=1.2.3.4', '--no-cache'], { HERE: 'yes' })
  expect(code).toBe(0)
  expect(query.getAll('t')).toEqual(['a', 'b'])
  expect(Object.fromEntries(query)).toMatchObject({
    ulimits: '[{"Name":"nofile","Soft":5,"Hard":6}]',
    cgroupparent: '/builds',
    memory: '67108864',
    memswap: '-1',
    buildargs: '{"A":"1","HERE":"yes"}',
    labels: '{"x":"y"}',
    extrahosts: 'h:1.2.3.4',
    nocache: '1',
    dockerfile: 'Dockerfile',
  })
})

it.each([
  [['--secret', 'id=token'], { token: 'secret' }],
  [['--secret', 'id=t,src=token'], { t: 'secret' }],
  [['--secret', 'id=t,env=T'], { t: 'of the environment' }],
  [['--secret', 'id=T'], { T: 'of the environment' }],
  [['--secret', 'id=a,src=token', '--secret', 'type=env,id=b,src=T'], { a: 'secret', b: 'of the environment' }],
])('hands secrets over: %j', async (flags, expected) => {
  const { headers } = await build(flags, { T: 'of the environment' })
  const given = JSON.parse(Buffer.from(String(headers['x-build-secrets']), 'base64url').toString()) as object
  const values = Object.entries(given).map(([id, value]) => [id, Buffer.from(String(value), 'base64').toString()])
  expect(Object.fromEntries(values)).toEqual(expected)
})

it.each([
  [
    ['--secret', 'id=x,src=/no/such'],
    'invalid argument "id=x,src=/no/such" for "--secret" flag: stat /no/such: no such file',
  ],
  [['--secret', 'id=x,env=GONE'], 'the variable GONE is not set'],
  [['--secret', 'id=x,colour=red'], "unexpected key 'colour'"],
  [['--progress', 'fast'], 'invalid argument "fast" for "--progress" flag'],
  [['-m', 'lots'], 'invalid argument "lots" for "-m, --memory" flag'],
  [['--label', ''], 'invalid argument "" for "--label" flag'],
])('refuses %j', async (flags, message) => {
  expect(await build(flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
})

it('says what needs another builder', async () => {
  expect(await build(['--ssh', 'default'])).toMatchObject({
    code: 1,
    stderr: '"--ssh" needs BuildKit, which is not supported\n',
  })
})

it('is as quiet as it is asked to be, and packs the folder', async () => {
  expect(await build(['--progress', 'plain'])).toMatchObject({ stdout: 'Step 1/1\n' })
  expect(await build(['--progress', 'quiet'])).toMatchObject({ stdout: 'sha256:1\n' })
  expect((await build(['--compress'])).first).toBe(0x1f)
})

it.each([
  [['build', '-f', '/no/such', '.'], 'Cannot build: /no/such does not exist'],
  [['build', '/dev/null'], 'Cannot build: /dev/null/Dockerfile cannot be read: not a directory'],
  [['--tls', '--tlscacert', '/no/such', 'ps'], 'Cannot read the TLS file /no/such: no such file or directory'],
  [['load', '-i', '/no/such'], 'open /no/such: no such file or directory'],
  [['load', '-i', '/tmp'], 'read /tmp: is a directory'],
])('says once what is wrong with a file: %j', async (line, message) => {
  const { stderr } = await runAgainst(line, (_request, response) => response.end(), { cwd: folder })
  expect(stderr).toBe(`${message}\n`)
})
