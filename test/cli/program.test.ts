import { expect, it } from 'vitest'
import type { CommandGroup } from '../../src/cli/index.ts'
import { conflict, invalidInput } from '../../src/core/errors.ts'
import { runCommand } from './support/run.ts'

const root: CommandGroup = {
  name: 'tool',
  summary: 'A tool',
  options: [{ flags: '-g, --global <x>', summary: 'g', repeatable: true }],
  commands: [
    {
      name: 'echo',
      summary: 'says it',
      args: '[words...]',
      options: [
        { flags: '-n, --number <n>', summary: 'n' },
        { flags: '--no-color', summary: 'c' },
        { flags: '-x, --extra', summary: 'x' },
        { flags: '--later', summary: 'l', refused: 'is not supported: not yet' },
      ],
      load:
        async () =>
        async ({ args, options, globals, command }, { stdout }) => {
          const facts = [
            command,
            args,
            options.number('number'),
            options.choice('color'),
            options.flag('extra'),
            globals.list('global'),
          ]
          stdout.write(JSON.stringify(facts))
        },
    },
    {
      name: 'run',
      summary: 'r',
      args: '<cmd...>',
      passThrough: true,
      load:
        async () =>
        async ({ args }, { stdout }) =>
          void stdout.write(args.join('|')),
    },
    {
      name: 'fail',
      summary: 'f',
      load: async () => () => Promise.reject(invalidInput('BROKEN', 'Cannot do it: it is broken')),
    },
    {
      name: 'refuse',
      summary: 'r',
      load: async () => () => Promise.reject(conflict('NO', 'Refused', { details: { refused: true } })),
    },
    { name: 'crash', summary: 'c', load: async () => () => Promise.reject(new TypeError('x is undefined')) },
    { name: 'code', summary: 'c', load: async () => async () => 42 },
    {
      name: 'inner',
      summary: 'i',
      commands: [
        {
          name: 'deep',
          summary: 'd',
          usageCode: 7,
          load:
            async () =>
            async ({ command }, { stdout }) =>
              void stdout.write(command),
        },
      ],
    },
  ],
}

it.each<[string, string]>([
  ['echo', '["tool echo",[],null,null,false,[]]'],
  ['-g 1 -g 2 echo a b -n 3 --no-color -x', '["tool echo",["a","b"],3,false,true,["1","2"]]'],
  ['run ls -l --foo', 'ls|-l|--foo'],
  ['inner deep', 'tool inner deep'],
])('%s', async (line, stdout) => {
  expect(await runCommand(line.split(' '), { root })).toEqual({ code: 0, stdout, stderr: '' })
})

it.each<[string, number, string]>([
  ['fail', 1, 'Cannot do it: it is broken\n'],
  ['refuse', 3, 'Refused\n'],
  ['crash', 1, 'x is undefined\n'],
  ['code', 42, ''],
  [
    'echo -n x',
    2,
    'invalid argument "x" for "-n, --number" flag: expected a number that is not negative\n\nUsage:  tool echo [OPTIONS] [WORDS...]\n\nRun \'tool echo --help\' for more information\n',
  ],
  ['nope', 2, "tool: unknown command: tool nope\n(Did you mean code?)\n\nRun 'tool --help' for more information\n"],
  ['echo --nope', 2, 'unknown flag: --nope\n\nUsage:  tool echo [OPTIONS]'],
  ['echo -Z', 2, "unknown shorthand flag: 'Z' in -Z"],
  ['echo --extra=maybe', 2, 'invalid argument "maybe" for "-x, --extra" flag: strconv.ParseBool'],
  ['echo -n', 2, 'flag needs an argument: --number'],
  ['echo --later', 1, '"--later" is not supported: not yet\n'],
  ['run', 2, "tool: 'tool run' requires at least 1 argument\n\nUsage:  tool run CMD [CMD...]\n\nRun 'tool run --help'"],
  ['code x', 2, "tool: 'tool code' accepts no arguments"],
  ['inner deep x', 7, "tool: 'tool inner deep' accepts no arguments"],
  ['inner nope', 2, 'tool: unknown command: tool inner nope'],
])('%s ends with %i', async (line, code, stderr) => {
  const outcome = await runCommand(line.split(' '), { root })
  expect(outcome.code).toBe(code)
  expect(outcome.stderr).toContain(stderr)
  expect(outcome.stderr).not.toContain('    at ')
})

it('--version and --help go to stdout', async () => {
  expect(await runCommand(['--version'], { root })).toEqual({ code: 0, stdout: 'tool version 9.9.9\n', stderr: '' })
  const help = await runCommand(['echo', '--help'], { root })
  expect(help).toMatchObject({ code: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: tool echo [options] [words...]')
})
