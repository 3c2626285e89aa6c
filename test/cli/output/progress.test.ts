import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createProgress } from '../../../src/cli/output/progress/progress.ts'
import { type Branch, isWorking, treeLines } from '../../../src/cli/output/progress/tree-lines.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { messageOf } from '../../compose/load.ts'
import { terminal } from '../support/terminal.ts'

const asked = (progress?: string, ansi?: string) => ({
  text: (name: string) => (name === 'progress' ? progress : name === 'ansi' ? ansi : undefined),
})
const TERM = { TERM: 'xterm', NO_COLOR: '1' }

/** With two blanks wherever there are more. */
const squeezed = (lines: readonly string[]): readonly string[] => lines.map(line => line.replace(/(?<=\S) {2,}/g, '  '))

/** All that was written to a stream that is no terminal. */
function written(stream: PassThrough): string {
  const chunks: string[] = []
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(String(chunk))
  return chunks.join('')
}

function onTerminal(size: Parameters<typeof terminal>[0] = {}, kind = 'auto') {
  const screen = terminal(size)
  const clock = new ManualClock()
  return { ...screen, clock, progress: createProgress(asked(kind), { stderr: screen.stream, env: TERM, clock }) }
}

it('redraws on a terminal what is going on, with its seconds', async () => {
  const { progress, clock, lines } = onTerminal({ columns: 50 })
  progress.tell('Network shop_default', 'Created')
  progress.tell('Service web', 'Starting 1/2')
  await clock.advance(1_500)
  progress.tell('Service web', 'Starting 1/2')
  expect(squeezed(lines())).toEqual([
    '[+] 1/2',
    ' ✔ Network shop_default  Created  0.0s',
    expect.stringMatching(/^ [⠋-⠿] Service web {2}Starting 1\/2 {2}1\.5s$/u),
  ])
  progress.tell('Service web', 'Started')
  await clock.advance(10_000)
  progress.tell('Service db', 'Failed')
  expect(squeezed(lines())).toEqual([
    '[+] 2/3',
    ' ✔ Network shop_default  Created  0.0s',
    ' ✔ Service web  Started  1.5s',
    ' ✘ Service db  Failed  0.0s',
  ])
})

it('counts as done and ticks nothing that was interrupted', () => {
  const { progress, lines } = onTerminal()
  progress.tell('Machine n1', 'Interrupted at agent')
  expect(squeezed(lines())).toEqual(['[+] 0/1', ' ✘ Machine n1  Interrupted at agent  0.0s'])
})

it('keeps what others write to the terminal above what it redraws', () => {
  const { progress, stream, lines } = onTerminal()
  progress.tell('Container shop-db-1', 'Starting')
  progress.between(() => void stream.write('db-1 -> | migrated\n'))
  progress.tell('Container shop-db-1', 'Started')
  expect(squeezed(lines())).toEqual(['db-1 -> | migrated', '[+] 1/1', ' ✔ Container shop-db-1  Started  0.0s'])
})

it('takes a terminal that says it has no size for one of usual size', () => {
  const { progress, stream, lines } = onTerminal()
  Object.assign(stream, { columns: 0, rows: 0 })
  progress.tell('Service web', 'Started')
  progress.tell('Service db', 'Started')
  expect(squeezed(lines())).toEqual(['[+] 2/2', ' ✔ Service web  Started  0.0s', ' ✔ Service db  Started  0.0s'])
})

it('shows the parts of what is going on, until it is done', () => {
  const { progress, lines } = onTerminal({ columns: 50 })
  progress.tell('Service web', 'Starting')
  progress.parts('Service web', [
    { name: 'shop-web-1 on n1', news: 'running' },
    { name: 'shop-web-2 on n2', news: 'preparing' },
  ])
  expect(lines().slice(2)).toEqual(['   ├ shop-web-1 on n1  running', '   └ shop-web-2 on n2  preparing'])
  progress.tell('Service web', 'Started')
  progress.parts('Service web', [{ name: 'late', news: 'running' }])
  expect(lines()).toHaveLength(2)
})

it('leaves what others say above itself', () => {
  const { progress, lines } = onTerminal()
  progress.tell('Image a', 'Building')
  progress.print('Step 1/2 : FROM b\n')
  progress.warn('build.ssh has no effect yet')
  progress.tell('Image a', 'Built')
  expect(lines().slice(0, 3)).toEqual(['Step 1/2 : FROM b', 'Warning: build.ssh has no effect yet', '[+] 1/1'])
})

it('is over when others write to the terminal: what comes then is lines', () => {
  const { progress, lines, stream } = onTerminal({ columns: 40 })
  progress.tell('Service web', 'Created')
  progress.end()
  stream.write('web-1 | hello\n')
  progress.tell('Service web', 'Started')
  expect(squeezed(lines())).toEqual([
    '[+] 1/1',
    ' ✔ Service web  Created  0.0s',
    'web-1 | hello',
    ' Service web  Started',
  ])
})

it('fits into a small terminal: what goes on is shown rather than what is done', () => {
  const { progress, lines } = onTerminal({ columns: 40, rows: 8 })
  for (let index = 0; index < 20; index++)
    progress.tell(`Service number-${index}`, index === 3 ? 'Starting' : 'Started')
  expect(lines()).toHaveLength(6)
  expect(lines()[0]).toBe('[+] 19/20')
  expect(lines()[1]).toContain('number-3')
  expect(lines().at(-1)).toBe(' … and 16 more')
  expect(lines().every(line => line.length <= 40)).toBe(true)
})

it('shows nothing that a terminal would obey, and only the first line of a reason', () => {
  const { progress, lines } = onTerminal({ columns: 60 })
  progress.tell('Service a', 'Pending: \u001b[2Jn1: no\nn2: no')
  expect(lines()[1]).toMatch(/Service a {2}Pending: \?\[2Jn1: no +0\.0s$/)
})

const event = fc.oneof(
  fc.record({
    do: fc.constant('tell' as const),
    what: fc.constantFrom('a', 'b', 'c', 'd'),
    news: fc.constantFrom('Starting', 'Started', 'Failed'),
  }),
  fc.record({ do: fc.constant('print' as const), text: fc.constantFrom('one', 'two') }),
  fc.record({
    do: fc.constant('parts' as const),
    what: fc.constantFrom('a', 'b'),
    count: fc.integer({ min: 0, max: 5 }),
  }),
)

it('whatever happens, all that was printed stands in order above one tree', () => {
  fc.assert(
    fc.property(fc.array(event), fc.integer({ min: 6, max: 12 }), (events, rows) => {
      const { progress, lines } = onTerminal({ rows })
      for (const each of events) {
        if (each.do === 'tell') progress.tell(each.what, each.news)
        else if (each.do === 'print') progress.print(`${each.text}\n`)
        else
          progress.parts(
            each.what,
            Array.from({ length: each.count }, (_, at) => ({ name: `p${at}`, news: 'running' })),
          )
      }
      const printed = events.flatMap(each => (each.do === 'print' ? [each.text] : []))
      const things = new Set(events.flatMap(each => (each.do === 'tell' ? [each.what] : [])))
      expect(lines().slice(0, printed.length)).toEqual(printed)
      const tree = lines().slice(printed.length)
      expect(tree.filter(line => line.startsWith('[+]'))).toHaveLength(things.size === 0 ? 0 : 1)
      expect(tree.length).toBeLessThan(rows - 1)
    }),
  )
})

it.each([
  ['Starting 1/2', true],
  ['Pending: n1: no', true],
  ['Waits for service db to be healthy', true],
  ['Recreate', true],
  ['Recreated', false],
  ['Running', false],
  ['Started', false],
  ['Not there', false],
])('%s is no end: %s', (news, expected) => expect(isWorking(news)).toBe(expected))

it.each([
  ['a dumb terminal', { TERM: 'dumb' }, undefined],
  ['an unknown terminal', {}, undefined],
  ['--ansi never', { TERM: 'xterm' }, 'never'],
  ['COMPOSE_ANSI', { TERM: 'xterm', COMPOSE_ANSI: 'never' }, undefined],
  ['COMPOSE_PROGRESS', { TERM: 'xterm', COMPOSE_PROGRESS: 'plain' }, undefined],
])('prints lines on %s', (_what, env, ansi) => {
  const { stream, lines } = terminal()
  const progress = createProgress(asked(undefined, ansi), { stderr: stream, env, clock: new ManualClock() })
  for (const news of ['Starting', 'Starting', 'Started']) progress.tell('Service web', news)
  expect(lines()).toEqual([' Service web  Starting', ' Service web  Started'])
})

it.each([
  ['plain', ' Service web  Started\nWarning: w\nx\n'],
  ['auto', ' Service web  Started\nWarning: w\nx\n'],
  ['json', '{"id":"Service web","status":"Started"}\nWarning: w\nx\n'],
  ['quiet', 'Warning: w\nx\n'],
])('without a terminal, as %s', (kind, expected) => {
  const stderr = new PassThrough()
  const progress = createProgress(asked(kind), { stderr, env: TERM, clock: new ManualClock() })
  progress.tell('Service web', 'Started')
  progress.tell('Service web', 'Started')
  progress.parts('Service web', [{ name: 'a', news: 'b' }])
  progress.warn('w')
  progress.print('x\n')
  expect(written(stderr)).toBe(expected)
})

it('draws the tree where it is asked for, and knows no other kind', () => {
  const stderr = new PassThrough()
  const clock = new ManualClock()
  createProgress(asked('tty'), { stderr, env: {}, clock }).tell('Service web', 'Started')
  expect(written(stderr)).toContain('\u001b[32m✔\u001b[0m')
  expect(messageOf(() => createProgress(asked('fancy'), { stderr, env: {}, clock }))).toBe(
    'unsupported --progress value "fancy": expected auto, tty, plain, json, quiet',
  )
})

it('never says less than how much is done', () => {
  const branch: Branch = { news: 'Started', startedMs: 0, endedMs: 1, parts: [] }
  const look = { columns: 1, rows: 1, nowMs: 1, frame: 0, isColoured: false }
  expect(
    treeLines(
      new Map([
        ['a', branch],
        ['b', branch],
      ]),
      look,
    )[0],
  ).toBe('[+] 2/2')
})

it('leaves the terminal to a question, and goes on behind its answer', async () => {
  const { progress, lines, stream } = onTerminal()
  progress.tell('Machine n1', 'Provisioning')
  const answer = await progress.pausing(async () => {
    stream.write('Go on? ')
    progress.tell('Machine n2', 'Provisioning')
    expect(lines()).toEqual(['Go on?'])
    stream.write('y\n')
    return 'y'
  })
  expect(answer).toBe('y')
  expect(lines()[0]).toBe('Go on? y')
  expect(lines().slice(1).join()).toMatch(/Machine n1 .*Machine n2 /)
})
