import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { type CommandGroup, engineVerbs } from '../../src/cli/index.ts'
import { runCommand } from './support/run.ts'

const root: CommandGroup = {
  name: 'shoal',
  summary: '',
  options: [{ flags: '-H, --host <url>', summary: '' }],
  commands: engineVerbs('9.9.9'),
}

/** What bash offers behind the words of a line. */
async function offers(line: string): Promise<readonly string[]> {
  const { stdout } = await runCommand(['completion', 'bash'], { root })
  const words = line.split(' ').map(word => `'${word}'`)
  const ask = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _shoal_complete; echo "\${COMPREPLY[*]}"`
  const offered = execFileSync('bash', ['-c', `${stdout}\n${ask}`], { encoding: 'utf8' }).trim()
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
