import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sha256Digest } from '../../../src/core/digest.ts'
import { type Outcome, runCommand } from '../support/run.ts'

const FILES: Readonly<Record<string, string>> = {
  '/part.yaml': 'services: {db: {image: "db:1"}}\n',
  '/base.yaml': 'services: {base: {image: "base:1", init: true}}\n',
  '/cache.yaml': 'services: {web: {image: "web:1", env_file: ./secret.env}}\n',
}
/** In a process of its own: what fetches waits, and would keep a server in this one from answering. */
const SERVER = `
const files = ${JSON.stringify(FILES)}
files['/huge.yaml'] = 'a'.repeat(${17 * 2 ** 20})
const server = require('node:http').createServer((request, response) => {
  if (request.url.startsWith('/moved')) return response.writeHead(302, { location: '/part.yaml' }).end()
  if (request.url.startsWith('/round')) return response.writeHead(302, { location: '/round' }).end()
  if (request.url.startsWith('/out')) return response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end()
  const body = files[request.url]
  response.writeHead(body === undefined ? 404 : 200).end(body)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
let directory: string
let address: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-remote-'))
  const [port] = (await once(server.stdout, 'data')) as [Buffer]
  address = `http://127.0.0.1:${String(port).trim()}`
})
afterAll(async () => {
  server.kill()
  await rm(directory, { recursive: true })
})

const pinned = (path: string): string => `${address}${path}#${sha256Digest(FILES[path] ?? '')}`

async function config(yaml: string, ...flags: readonly string[]): Promise<Outcome> {
  await writeFile(join(directory, 'compose.yaml'), `name: shop\n${yaml}`)
  return runCommand([...flags, 'config', '--images'], { cwd: directory, env: { HOME: directory } })
}

it('fetches what include, extends and -f name, where that is allowed', async () => {
  const yaml = `include: ["${pinned('/part.yaml')}"]\nservices: {web: {extends: {file: "${pinned('/base.yaml')}", service: base}}}\n`
  expect(await config(yaml, '--allow-remote')).toEqual({ code: 0, stdout: 'base:1\ndb:1\n', stderr: '' })
  expect(await config('', '--allow-remote', '-f', pinned('/part.yaml'))).toMatchObject({ code: 0, stdout: 'db:1\n' })
  expect(await config(yaml)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /compose.yaml:2:11: remote compose file .* is refused: .*allow it with --allow-remote/,
    ),
  })
})

it('follows where the server points, and takes a digest in capitals', async () => {
  const digest = sha256Digest(FILES['/part.yaml'] ?? '').replace('sha256:', '')
  const moved = `${address}/moved.yaml#sha256:${digest.toUpperCase()}`
  expect(await config(`include: ["${moved}"]\n`, '--allow-remote')).toMatchObject({ code: 0, stdout: 'db:1\n' })
})

it('asks nobody for what is there, once it is known what is meant', async () => {
  const text = 'services: {kept: {image: "kept:1"}}\n'
  const gone = `${address}/gone.yaml#${sha256Digest(text)}`
  const first = await config(`include: ["${gone}"]\n`, '--allow-remote')
  expect(first).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Cannot fetch ${address}/gone.yaml: status 404`),
  })
  const copy = join(directory, '.cache/shoal/remote', sha256Digest(gone).slice('sha256:'.length), 'compose.yaml')
  await config(`include: ["${pinned('/part.yaml')}"]\n`, '--allow-remote')
  await mkdir(join(copy, '..'), { recursive: true })
  await writeFile(copy, text)
  expect(await config(`include: ["${gone}"]\n`, '--allow-remote')).toMatchObject({ code: 0, stdout: 'kept:1\n' })
})

it('reads nothing of the person for a file that was fetched', async () => {
  await writeFile(join(directory, 'secret.env'), 'PASSWORD=hunter2\n')
  const { code, stderr } = await config(`include: ["${pinned('/cache.yaml')}"]\n`, '--allow-remote')
  expect(code).toBe(1)
  expect(stderr).toMatch(/env file .*\/\.cache\/shoal\/remote\/[0-9a-f]{64}\/secret\.env not found/)
})

it.each([
  ['another content', () => `${address}/part.yaml#sha256:${'0'.repeat(64)}`, /is not what was meant: it has sha256:/],
  ['http without a digest', () => `${address}/part.yaml`, /use https, or say what it holds with #sha256:<hex>/],
  ['a round trip', () => `${address}/round.yaml#sha256:${'0'.repeat(64)}`, /it leads on and on/],
  ['another protocol on the way', () => `${address}/out.yaml#sha256:${'0'.repeat(64)}`, /it leads to https:/],
  ['an endless file', () => `${address}/huge.yaml#sha256:${'0'.repeat(64)}`, /it is larger than 16 MB/],
  [
    'nobody there',
    () => `http://127.0.0.1:1/a.yaml#sha256:${'0'.repeat(64)}`,
    /Cannot fetch http:\/\/127.0.0.1:1\/a.yaml: fetch failed/,
  ],
  [
    'a repository',
    () => 'https://127.0.0.1/stack.git',
    /is refused: git clone it, look at it, and name the local path instead\n/,
  ],
  ['a branch of one', () => 'https://127.0.0.1/stack#main:compose.yaml', /is refused: git clone it/],
  ['an artifact', () => 'oci://127.0.0.1/stack', /is refused: pull it/],
])('refuses %s by line, allowed or not', async (_what, url, why) => {
  const { code, stderr } = await config(`include: ["${url()}"]\n`, '--allow-remote')
  expect(code).toBe(1)
  expect(stderr).toMatch(/compose.yaml:2:11: /)
  expect(stderr).toMatch(why)
  expect(stderr).not.toMatch(/\n {4}at /)
})
