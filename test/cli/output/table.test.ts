import { expect, it } from 'vitest'
import { renderTable } from '../../../src/cli/output/table.ts'

const columns = [
  { title: 'NAME', of: ([name]: readonly string[]) => name ?? '' },
  { title: 'STATUS', of: ([, status]: readonly string[]) => status ?? '', mayShrink: true as const },
  { title: 'NODE', of: ([, , node]: readonly string[]) => node ?? '' },
]
const why = 'Pending: no host fits: n1 has 1 CPU free, n2 has 512 MiB of memory free'
const rows = [
  ['web-1', why, ''],
  ['web-2', 'Up 5 minutes', 'n2'],
]

it('folds a wide column between words, so that lines fit a terminal', () => {
  const lines = renderTable(columns, rows, 60).split('\n')
  expect(Math.max(...lines.map(line => line.trimEnd().length))).toBeLessThanOrEqual(60)
  expect(lines.map(line => line.trimEnd())).toEqual([
    'NAME      STATUS                                      NODE',
    'web-1     Pending: no host fits: n1 has 1 CPU free,',
    '          n2 has 512 MiB of memory free',
    'web-2     Up 5 minutes                                n2',
    '',
  ])
})

it('leaves lines as long as they are where nobody says how wide they may be, or they fit', () => {
  expect(renderTable(columns, rows)).toContain(why)
  expect(renderTable(columns, rows, 200)).toBe(renderTable(columns, rows))
})

it('breaks words that are longer than a line, and keeps all of them readable', () => {
  const path = 'x'.repeat(100)
  const text = renderTable(columns, [['a', `Lost: ${path}`, '']], 20)
  expect(text.replaceAll(/\s/g, '')).toContain(`Lost:${path}`)
})
