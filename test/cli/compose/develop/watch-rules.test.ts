import { expect, it } from 'vitest'
import { watchRules } from '../../../../src/cli/commands/compose/develop/watch-rules.ts'
import { messageOf } from '../../../compose/load.ts'

interface Rule {
  readonly path?: string
  readonly action?: string
  readonly target?: string
  readonly ignore?: string | readonly string[]
  readonly include?: string | readonly string[]
  readonly exec?: object
}

const sync = (more: Rule = {}): Rule => ({ path: '/srv/app/src', action: 'sync', target: '/app', ...more })

function rulesOf(rule: Rule, service: object = { build: { context: '/srv/app' } }, ignore = '') {
  const model = { services: { web: { ...service, develop: { watch: [rule] } } } }
  return watchRules({ model }, [], context => (context === '/srv/app' ? ignore : ''))
}

const relevant = (rule: Rule, paths: readonly string[], ignore = ''): readonly string[] => {
  const [found] = rulesOf(rule, undefined, ignore)
  return paths.filter(path => found?.rules.isRelevant(path))
}

it('leaves out what a rule ignores, from its own path on', () => {
  const paths = ['index.js', 'node_modules/a/b.js', 'deep/node_modules/c.js', 'log.txt']
  expect(relevant(sync({ ignore: ['node_modules/', '*.txt'] }), paths)).toEqual(['index.js', 'deep/node_modules/c.js'])
})

it('takes only what a rule includes', () => {
  const paths = ['a.js', 'b.css', 'deep/c.js']
  expect(relevant(sync({ include: ['**/*.js'] }), paths)).toEqual(['a.js', 'deep/c.js'])
})

it('takes one pattern without a list', () => {
  expect(relevant(sync({ ignore: '*.txt' }), ['a.js', 'log.txt'])).toEqual(['a.js'])
  expect(relevant(sync({ include: '*.js' }), ['a.js', 'log.txt'])).toEqual(['a.js'])
})

it('leaves out what the build leaves out, from the context on', () => {
  expect(relevant(sync(), ['a.js', 'a.map', 'keep.map'], '# maps\nsrc/*.map\n!src/keep.map\n')).toEqual([
    'a.js',
    'keep.map',
  ])
})

it('leaves out what editors and git write', () => {
  expect(relevant(sync(), ['a.js', '.a.js.swp', 'a.js~', 'deep/4913', '.git/index', '.gitignore'])).toEqual([
    'a.js',
    '.gitignore',
  ])
})

it('does not look into directories that hold nothing of interest', () => {
  const [rule] = rulesOf(sync({ ignore: ['build', '!build/keep'] }), undefined, 'src/dist\n')
  const looked = ['lib', 'build', 'dist', '.git'].filter(directory => rule?.rules.mayHoldRelevant(directory))
  expect(looked).toEqual(['lib', 'build'])
})

it('reads the command of sync+exec', () => {
  const exec = { command: ['kill', '-HUP', '1'], user: 'root', working_dir: '/app', environment: { A: '1' } }
  const [rule] = rulesOf(sync({ action: 'sync+exec', exec }))
  expect(rule?.exec).toEqual({
    command: ['kill', '-HUP', '1'],
    user: 'root',
    workingDir: '/app',
    privileged: false,
    environment: ['A=1'],
  })
})

it.each([
  ['nothing to watch', () => watchRules({ model: { services: { web: {} } } }, [], () => ''), /none of the selected/],
  ['a rebuild of nothing', () => rulesOf({ path: '/a', action: 'rebuild' }, { image: 'a' }), /"web".*without a build/],
  ['a relative target', () => rulesOf(sync({ target: 'app' })), /target "app" is no absolute path/],
  ['no command', () => rulesOf(sync({ action: 'sync+exec' })), /needs exec.command/],
])('refuses %s', (_what, work, message) => {
  expect(messageOf(work)).toMatch(message)
})

it('looks at the named services only', () => {
  const service = (path: string) => ({ develop: { watch: [{ path, action: 'restart' }] } })
  const model = { services: { a: service('/a'), b: service('/b') } }
  expect(watchRules({ model }, ['b'], () => '').map(({ path }) => path)).toEqual(['/b'])
})
