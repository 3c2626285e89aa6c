import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { type CommandGroup, engineVerbs } from '../../src/cli/index.ts'
import { composeProject } from './support/compose-project.ts'
import { containerSummary } from './support/container-summary.ts'
import { reply, runAgainst } from './support/one-engine.ts'
import { runCommand } from './support/run.ts'

const root: CommandGroup = {
  name: 'shoal',
  summary: '',
  options: [{ flags: '-H, --host <url>', summary: '' }],
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
  const ask = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _shoal_complete; echo "\${COMPREPLY[*]}"`
  const asked = `shoal() { echo "${names}"; echo "shoal $*" | tr ' ' _; }`
  const offered = execFileSync('bash', ['-c', `${stdout}\n${asked}\n${ask}`], { encoding: 'utf8' }).trim()
  return offered === '' ? [] : offered.split(' ')
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
  expect(await offers('shoal -H tcp://x:1 logs w', 'web worker db')).toEqual(['web', 'worker'])
  expect(await offers('shoal -H tcp://x:1 logs shoal')).toEqual(['shoal___names_--_-H_tcp://x:1_logs'])
  expect(await offers('shoal logs --fol', 'web')).toEqual(['--follow'])
  expect(await offers('shoal volume cre', 'create-me')).toEqual(['create'])
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
