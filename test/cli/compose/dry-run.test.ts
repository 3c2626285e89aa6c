import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { composeGroup } from '../../../src/cli/index.ts'
import { composeProject } from '../support/compose-project.ts'

const { manager, directory, compose } = composeProject(`
name: shop
services:
  web: {build: ., image: "web:1", develop: {watch: [{path: ./src, action: sync, target: /src}]}}
  db: {image: "db:1"}
`)

/** Commands that change nothing, wherever they run. */
const LOOKS = ['plan', 'ps', 'logs', 'config', 'port', 'top', 'images', 'stats', 'events', 'ls', 'version']

const LINES: Readonly<Record<string, string>> = {
  up: 'up -d',
  create: 'create',
  apply: 'apply -y',
  down: 'down -v --rmi all',
  rm: 'rm -fs',
  run: 'run web ls',
  build: 'build',
  pull: 'pull',
  push: 'push',
  exec: 'exec web rm -rf /data',
  stop: 'stop',
  start: 'start',
  restart: 'restart',
  scale: 'scale web=3',
  kill: 'kill',
  pause: 'pause',
  unpause: 'unpause',
  cp: 'cp compose.yaml web:/tmp',
  watch: 'watch',
  export: 'export web -o web.tar',
}
/** It waits for what is there, and only then takes down. */
const WAITS = ['wait']

it('every command changes nothing with --dry-run, or says why it never does', () => {
  const names = composeGroup('1').commands.map(({ name }) => name)
  expect(names.toSorted()).toEqual([...Object.keys(LINES), ...LOOKS, ...WAITS].toSorted())
})

const isChange = (call: string): boolean => !/^(?:GET|HEAD) /.test(call) && !/[?&]dryRun=true/.test(call)

it.each(Object.entries(LINES))('%s says what it would do', async (name, line) => {
  await mkdir(join(directory(), 'src'))
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  await compose('up -d')
  const before = manager().calls.length
  const [behind, inFront] = [await compose(line.replace(name, `${name} --dry-run`)), await compose(`--dry-run ${line}`)]
  expect(behind).toMatchObject({ code: 0, stdout: expect.stringMatching(/./) })
  expect(inFront.stdout.replace(/run-[0-9a-f]+/, '')).toBe(behind.stdout.replace(/run-[0-9a-f]+/, ''))
  expect(manager().calls.slice(before).filter(isChange)).toEqual([])
})
