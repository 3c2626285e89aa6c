import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DATA_ROOT } from '../../../src/machine/provision/host-paths.ts'
import { CLEAN_HOST, FORGET_CLUSTER } from '../../../src/machine/provision/scripts/clean-scripts.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-data-'))
})
afterEach(() => rmSync(root, { recursive: true }))

it('has a host that is cleaned belong to no cluster any more, be its data kept or not', () => {
  const files = [
    'trust/authority.json',
    'etcd/member/wal',
    'manager/identity/key.pem',
    'agent/identity/key.pem',
    'agent/joined.json',
    'engine/images/index.json',
    'engine/volumes/db',
  ]
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  const script = FORGET_CLUSTER.replaceAll(DATA_ROOT, root)
  for (const _again of [1, 2]) execFileSync('sh', ['-eu', '-c', script])
  const left = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  expect(left.map(({ name }) => name).toSorted()).toEqual(['db', 'index.json'])
  expect(CLEAN_HOST.indexOf(FORGET_CLUSTER)).toBeLessThan(CLEAN_HOST.indexOf('= data ] || exit'))
})
