import { expect, it } from 'vitest'
import { readTyped } from '../../src/cli/completion/typed-words.ts'
import { type CommandGroup, composeGroup, ENGINE_OPTIONS, engineVerbs } from '../../src/cli/index.ts'

const compose = composeGroup('1')
const root: CommandGroup = {
  name: 'shoal',
  summary: '',
  options: ENGINE_OPTIONS,
  commands: [compose, ...engineVerbs('1')],
}

it.each([
  ['logs', 'container'],
  ['network connect', 'network'],
  ['network connect lan', 'container'],
  ['compose logs', 'service'],
  ['compose logs web db', 'service'],
  ['compose -f other.yaml -p shop exec -T', 'service'],
  ['compose exec web', 'command'],
  ['compose exec web ls -e', 'command'],
  ['compose up --attach', 'service'],
  ['compose --profile', 'profile'],
  ['compose -p', 'project'],
  ['compose scale', 'service=number'],
  ['compose port web 80', undefined],
  ['compose nonsense', undefined],
  ['compose', undefined],
  ['', undefined],
])('what follows `%s` is %s', (line, kind) => {
  const words = line.split(' ').filter(word => word !== '')
  expect(readTyped(words, root).kind).toBe(kind)
})

it('keeps what flags say of where to ask', () => {
  const line = 'compose -H tcp://a:1 -f one.yaml --file=two.yaml --env-file e --dry-run logs'
  expect(readTyped(line.split(' '), root).values).toEqual({
    host: 'tcp://a:1',
    file: ['one.yaml', 'two.yaml'],
    envFile: 'e',
  })
})
