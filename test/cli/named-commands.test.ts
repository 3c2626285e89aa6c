import { expect, it } from 'vitest'
import type { CommandGroup } from '../../src/cli/index.ts'
import { namedCommands } from '../../src/cli/named-commands.ts'
import { runCommand } from './support/run.ts'

const load = async () => async () => {}
const root: CommandGroup = {
  name: 'tool',
  summary: '',
  options: [
    { flags: '-H, --host <url>', summary: '' },
    { flags: '-D, --debug', summary: '' },
  ],
  commands: [
    { name: 'ps', summary: '', load },
    {
      name: 'inner',
      aliases: ['in'],
      summary: '',
      options: [{ flags: '--file <x>', summary: '' }],
      commands: [
        { name: 'ls', summary: 'lists', load },
        { name: 'rm', summary: 'removes', load },
      ],
    },
  ],
}

it.each([
  ['', ''],
  ['ps', 'ps'],
  ['ps inner', 'ps'],
  ['-H inner ps', 'ps'],
  ['-Hinner ps', 'ps'],
  ['--host=inner -D ps', 'ps'],
  ['in --file rm ls rm', 'inner ls'],
  ['inner nope ls', 'inner'],
  ['-H', ''],
  // The last letter takes the next word, and nothing but the parser knows letters that well.
  ['-DH inner ps', ''],
  ['-- ps', ''],
  ['--help ps', ''],
  ['inner -h ls', 'inner'],
])('%j names %j', (line, names) => {
  const named = namedCommands(line.split(' ').filter(Boolean), root)
  expect(named.map(({ name }) => name).join(' ')).toBe(names)
})

it.each(['-DH inner ps', '-H inner ps', 'in --file rm ls', '-- ps'])('a line that ends well is %j', async line => {
  expect(await runCommand(line.split(' '), { root })).toEqual({ code: 0, stdout: '', stderr: '' })
})

it.each(['inner --help ls', 'help inner', 'inner help'])('help lists every command: %j', async line => {
  const { stdout } = await runCommand(line.split(' '), { root })
  expect(stdout).toContain('lists')
  expect(stdout).toContain('removes')
})
