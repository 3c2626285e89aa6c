import { expect, it } from 'vitest'
import type { CommandGroup } from '../../src/cli/index.ts'
import { plainSwitches } from '../../src/cli/plain-switches.ts'

const load = () => Promise.reject(new Error('not run'))
const root: CommandGroup = {
  name: 'tool',
  summary: '',
  options: [{ flags: '-H, --host <url>', summary: '' }],
  commands: [
    {
      name: 'run',
      aliases: ['r'],
      summary: '',
      passThrough: true,
      options: [
        { flags: '--rm', summary: '' },
        { flags: '-i, --interactive', summary: '' },
        { flags: '--no-sig-proxy', summary: '' },
        { flags: '-e, --env <x>', summary: '', repeatable: true },
        { flags: '--history [boolean]', summary: '' },
      ],
      load,
    },
    {
      name: 'inner',
      summary: '',
      commands: [{ name: 'ls', summary: '', options: [{ flags: '-a, --all', summary: '' }], load }],
    },
  ],
}

it.each([
  ['run --rm=true x', 'run --rm x'],
  ['run --rm=false --interactive=1 x', 'run --interactive x'],
  ['r --sig-proxy=false --sig-proxy=true x', 'r --no-sig-proxy x'],
  ['-H run run --rm=F x', '-H run run x'],
  ['run -e --rm=false --rm x', 'run -e --rm=false --rm x'],
  ['run x --rm=false', 'run x --rm=false'],
  ['run --env=true --history=false --rm=maybe x', 'run --env=true --history=false --rm=maybe x'],
  ['run -- --rm=false', 'run -- --rm=false'],
  ['inner ls --all=true more --all=false', 'inner ls --all more'],
  ['nope --rm=false', 'nope --rm=false'],
])('%s', (line, plain) => {
  expect(plainSwitches(line.split(' '), root).join(' ')).toBe(plain)
})
