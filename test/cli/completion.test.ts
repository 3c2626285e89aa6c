import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Tunnels } from '../../src/cli/engine/ssh/tunnels-port.ts'
import { type CommandGroup, engineVerbs } from '../../src/cli/index.ts'
import { composeProject } from './support/compose-project.ts'
import { containerSummary } from './support/container-summary.ts'
import { reply, runAgainst } from './support/one-engine.ts'
import { runCommand } from './support/run.ts'

const root: CommandGroup = {
  name: 'shoal',
  summary: '',
  options: [
    { flags: '-H, --host <url>', summary: '' },
    { flags: '-f, --file <path>', summary: '' },
  ],
  commands: engineVerbs('9.9.9'),
}

const project = composeProject(`
name: shop
services: {web: {image: "web:1"}, worker: {image: "\${NOT_SET:?}", profiles: [jobs], depends_on: [gone]}}
`)

/** What bash offers behind the words of a line; who is asked for names gives these, and says what it was asked. */
async function offers(line: string, names = ''): Promise<readonly string[]> {
  const { stdout } = await runCommand(['completion', 'bash'], { root })
  const words = line.split(' ').map(word => `'${word}'`)
  const ask = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _shoal_complete; printf '%s\\n' "\${COMPREPLY[@]}"`
  const asked = `shoal() { printf '%s\\n' "$NAMES"; echo "shoal $*" | tr ' ' _; }`
  const offered = execFileSync('bash', ['-c', `${stdout}\n${asked}\n${ask}`], {
    encoding: 'utf8',
    env: { ...process.env, NAMES: names },
  }).trim()
  return offered === '' ? [] : offered.split('\n')
}

it.each([
  ['shoal netw', ['network']],
  ['shoal network cr', ['create']],
  ['shoal -H unix:///x network create --sub', ['--subnet']],
  ['shoal container ls --no-t', ['--no-trunc']],
  ['shoal container ps --no-t', ['--no-trunc']],
  ['shoal run --name x --det', ['--detach', '--detach-keys']],
  ['shoal volume up', []],
  ['shoal create --use-api', []],
  // Nothing of ours: bash offers files.
  ['shoal -f ', []],
  ['shoal load --input ', []],
  ['shoal -f volume network cr', ['create']],
  ['shoal load --inp', ['--input']],
])('bash offers behind `%s` %j', async (line, expected) => {
  expect(await offers(line)).toEqual(expected)
})

it.each(['zsh', 'fish'])('%s is told of every command', async shell => {
  const { code, stdout } = await runCommand(['completion', shell], { root })
  expect(code).toBe(0)
  for (const { name } of root.commands) expect(stdout).toContain(`'shoal ${name}'`)
})

it('refuses another shell', async () => {
  expect(await runCommand(['completion', 'tcsh'], { root })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('tcsh'),
  })
})

it('bash offers names where they are meant, and asks nobody else', async () => {
  expect(await offers('shoal -H tcp://x:1 logs w', 'web\nworker\ndb')).toEqual(['web', 'worker'])
  expect(await offers('shoal -H tcp://x:1 logs shoal')).toEqual(['shoal___names_--_-H_tcp://x:1_logs'])
  expect(await offers('shoal logs --fol', 'web')).toEqual(['--follow'])
  expect(await offers('shoal logs ', 'web')).toEqual(['web', 'shoal___names_--_logs'])
  expect(await offers('shoal -f x ')).not.toContain('--host')
  expect(await offers('shoal volume cre', 'create-me')).toEqual(['create'])
})

it('runs nothing that stands in a name', async () => {
  const witness = join(project.directory(), 'witness')
  const hostile = [`$(touch ${witness})`, `\`touch ${witness}\``, '*', 'web']
  expect(await offers('shoal logs ', hostile.join('\n'))).toEqual(expect.arrayContaining(hostile))
  expect(existsSync(witness)).toBe(false)
})

it('tells no names that a shell would run or divide', async () => {
  const profiles = ['$(touch witness)', '`touch witness`', 'a b', '-f', 'x;reboot', 'x\ny', '~', '\u001b[2J', 'jobs']
  await project.write(JSON.stringify({ name: 'shop', services: { web: { image: 'web:1', profiles } } }))
  expect((await project.compose('__names -- --profile')).stdout).toBe('jobs\n')
})

it('tells the services and profiles of files that are being worked on', async () => {
  expect((await project.compose('__names -- exec')).stdout).toBe('web\nworker\n')
  expect((await project.compose('__names -- scale')).stdout).toBe('web=\nworker=\n')
  expect((await project.compose('__names -- --profile')).stdout).toBe('jobs\n')
  expect(await project.compose('__names -- -f nowhere.yaml exec')).toEqual({ code: 0, stdout: '', stderr: '' })
})

it('tells the projects that run, and the services of one that is named without files', async () => {
  await project.write('name: shop\nservices: {web: {image: "web:1"}, db: {image: "db:1"}}\n')
  await project.compose('up -d')
  const host = project.manager().host
  expect((await project.compose(`__names -- -H ${host} -p`)).stdout).toBe('shop\n')
  expect((await project.compose(`__names -- -H ${host} -p shop logs`)).stdout).toBe('db\nweb\n')
})

it('tells the names of containers', async () => {
  const { stdout } = await runAgainst(['__names', '--', 'exec'], (_, response) =>
    reply(response, 200, [containerSummary('shop-web-1'), containerSummary('cache')]),
  )
  expect(stdout).toBe('cache\nshop-web-1\n')
})

it('asks for the names of containers over SSH where the engine is behind it', async () => {
  const dialled: string[] = []
  const dialTo: Tunnels['dialTo'] = (address, wanted) => {
    dialled.push(`${wanted} ${address}`)
    return () => Promise.reject(new Error('No such host'))
  }
  const env = { HOME: '/nonexistent', DOCKER_HOST: 'ssh://ops@host' }
  const world = { root, env, tunnels: { dialTo, close: () => Promise.resolve() } }
  expect(await runCommand(['__names', '--', 'exec'], world)).toMatchObject({ code: 0, stdout: '' })
  expect(dialled).toEqual(['engine ssh://ops@host'])
})
