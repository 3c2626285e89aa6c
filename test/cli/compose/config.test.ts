import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { composeGroup } from '../../../src/cli/index.ts'
import { reply, runAgainst } from '../support/one-engine.ts'
import { type Outcome, runCommand } from '../support/run.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-config-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

writeFileSync(
  join(directory, 'compose.yaml'),
  `name: shop
services:
  web:
    image: web:\${TAG:-1}
    volumes: [./html:/html, data:/data]
    networks: [front]
    depends_on: [db]
  db: {image: db@sha256:${'d'.repeat(64)}, networks: [front]}
  debug: {image: tools, profiles: [dev, all], env_file: gone.env}
volumes: {data: {}, unused: {}}
networks: {front: {}}
`,
)

const config = (...argv: readonly string[]): Promise<Outcome> =>
  runCommand(['config', ...argv], { cwd: directory, env: { PWD: directory } })

it.each([
  [['--services'], 'db\nweb\n'],
  [['--volumes'], 'data\n'],
  [['--networks'], 'front\n'],
  [['--profiles'], 'all\ndev\n'],
  [['--images'], `db@sha256:${'d'.repeat(64)}\nweb:1\n`],
  [['--images', 'db'], `db@sha256:${'d'.repeat(64)}\n`],
  [['-q'], ''],
  [['--environment'], `COMPOSE_PROJECT_NAME=shop\nPWD=${directory}\n`],
])('config %j', async (flags, stdout) => {
  expect(await config(...flags)).toEqual({ code: 0, stdout, stderr: '' })
})

it('--variables names what the files ask of the environment', async () => {
  const { stdout } = await config('--variables')
  expect(stdout.split('\n')[1]?.split(/\s+/)).toEqual(['TAG', 'false', '1', ''])
})

it('--hash tells one service or all, and changes only with what a container is made of', async () => {
  const all = (await config('--hash', '*')).stdout.trim().split('\n')
  expect(all.map(line => line.split(' ')[0])).toEqual(['db', 'web'])
  expect((await config('--hash', 'web')).stdout.trim()).toBe(all[1])
  const other = await runCommand(['config', '--hash', '*'], { cwd: directory, env: { TAG: '2' } })
  expect(other.stdout.trim().split('\n')[0]).toBe(all[0])
  expect(other.stdout.trim().split('\n')[1]).not.toBe(all[1])
  expect(await config('--hash', 'nope')).toMatchObject({ code: 1, stderr: expect.stringContaining('nope') })
})

it.each([
  [['--no-interpolate'], 'image: web:${TAG:-1}'],
  [['--no-path-resolution'], 'source: ./html'],
  [['--format', 'json'], '"image": "web:1"'],
])('config %j', async (flags, line) => {
  expect((await config(...flags)).stdout).toContain(line)
})

it('--no-normalize adds no names, --no-consistency lets what is undefined pass', async () => {
  expect((await config('--no-normalize')).stdout).not.toContain('shop_')
  const input = 'services: {web: {image: a, networks: [nowhere]}}\n'
  const strict = await runCommand(['-f', '-', 'config', '-q'], { cwd: directory, input })
  expect(strict).toMatchObject({ code: 1, stderr: expect.stringContaining('undefined network nowhere') })
  const lax = await runCommand(['-f', '-', 'config', '-q', '--no-consistency'], { cwd: directory, input })
  expect(lax.code).toBe(0)
})

it('-o writes to a file', async () => {
  expect(await config('-o', 'out.yaml')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(readFileSync(join(directory, 'out.yaml'), 'utf8')).toBe((await config()).stdout)
  const path = join(directory, 'none', 'out.yaml')
  expect(await config('-o', path)).toMatchObject({
    code: 1,
    stderr: `Cannot write ${path}: there is no such directory\n`,
  })
})

const DIGEST = `sha256:${'a'.repeat(64)}`

it('pins images to the digest that a node finds in the registry, and leaves those that have one', async () => {
  const asked: string[] = []
  const run = (flag: string): Promise<Outcome> =>
    runAgainst(
      ['config', flag],
      (request, response) => {
        asked.push(request.url ?? '')
        reply(response, 200, { Descriptor: { mediaType: 'x', digest: DIGEST, size: 1 }, Platforms: [] })
      },
      { root: composeGroup('9.9.9'), cwd: directory },
    )
  const pinned = `docker.io/library/web:1@${DIGEST}`
  expect((await run('--resolve-image-digests')).stdout).toContain(`image: ${pinned}\n`)
  expect(asked).toEqual([expect.stringContaining('/distribution/web')])
  const { stdout } = await run('--lock-image-digests')
  expect(stdout).toBe(`services:\n  db:\n    image: db@sha256:${'d'.repeat(64)}\n  web:\n    image: ${pinned}\n`)
})

it('says which image has no digest to find', async () => {
  const { code, stderr } = await runAgainst(
    ['config', '--resolve-image-digests'],
    (_request, response) => reply(response, 404, { message: 'manifest unknown: web:1' }),
    { root: composeGroup('9.9.9'), cwd: directory },
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('web:1') })
})

it.each([
  ['/dev/zero', 'Cannot read /dev/zero: it is larger than 16 MB'],
  ['huge.yaml', 'it is larger than 16 MB'],
  ['latin1.yaml', 'it is not text in UTF-8'],
])('does not load %s', async (file, why) => {
  writeFileSync(join(directory, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]))
  writeFileSync(join(directory, 'huge.yaml'), '')
  truncateSync(join(directory, 'huge.yaml'), 100 * 2 ** 20)
  const { code, stderr } = await runCommand(['-f', file, 'config'], { cwd: directory })
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(why) })
})

it('reads no more of standard input than of a file', async () => {
  const { code, stderr } = await runCommand(['-f', '-', 'config'], { input: 'a'.repeat(17 * 2 ** 20) })
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('larger than 16 MB') })
})
