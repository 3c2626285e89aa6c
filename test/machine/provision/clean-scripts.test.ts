import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DATA_ROOT } from '../../../src/machine/provision/host-paths.ts'
import { CLEAN_HOST, FORGET_CLUSTER, REMOVE_CONTAINERS } from '../../../src/machine/provision/scripts/clean-scripts.ts'

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

it.each([
  ['', ['crun delete --force a', 'runc delete --force b']],
  ['--default-runtime=crun\n', ['crun delete --force a', 'runc delete --force b']],
  ['--default-runtime=ROOT/own/crun\n', ['own/crun delete --force a', 'runc delete --force b']],
])('removes containers by the program that made each, with %j among the arguments', (words, expected) => {
  for (const folder of ['bin', 'own', 'state/a', 'state/b']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'state/a/status'), '{}')
  writeFileSync(join(root, 'state/b/state.json'), '{}')
  writeFileSync(join(root, 'agent.args'), `engine\n${words.replace('ROOT', root)}`)
  for (const program of ['bin/crun', 'bin/runc', 'own/crun']) {
    const text = `#!/bin/sh\necho ${program.replace('bin/', '')} "$3" "$4" "$5" >> ${root}/ran\nexit 1\n`
    writeFileSync(join(root, program), text, { mode: 0o755 })
  }
  const script = REMOVE_CONTAINERS.replaceAll('/run/shoal/runtime', join(root, 'state')).replaceAll(
    '/etc/shoal/agent.args',
    join(root, 'agent.args'),
  )
  execFileSync('sh', ['-eu', '-c', script], { env: { PATH: `${root}/bin:/usr/bin:/bin` } })
  expect(readFileSync(join(root, 'ran'), 'utf8').trim().split('\n')).toEqual(expected)
  expect(CLEAN_HOST).toContain(REMOVE_CONTAINERS)
})
