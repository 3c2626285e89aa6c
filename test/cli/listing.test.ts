import { expect, it } from 'vitest'
import { humanDuration } from '../../src/cli/output/duration.ts'
import { type ListingFormat, renderListing } from '../../src/cli/output/format.ts'

interface Row {
  readonly name: string
  readonly tags: readonly string[]
}

const LISTING: ListingFormat<Row> = {
  id: row => row.name,
  columns: [
    { title: 'NAME', of: row => row.name },
    { title: 'TAGS', of: row => row.tags.join(',') },
  ],
  record: row => ({ Name: row.name, Tags: row.tags, Inner: { A: 1 } }),
}
const ROWS: readonly Row[] = [
  { name: 'a', tags: ['x', 'y'] },
  { name: 'longer', tags: [] },
]

it.each<[string | undefined, string]>([
  [undefined, 'NAME      TAGS\na         x,y\nlonger    \n'],
  ['table', 'NAME      TAGS\na         x,y\nlonger    \n'],
  ['json', '{"Name":"a","Tags":["x","y"],"Inner":{"A":1}}\n{"Name":"longer","Tags":[],"Inner":{"A":1}}\n'],
  ['{{.Name}}={{len .Tags}}', 'a=2\nlonger=0\n'],
  ['{{upper .Name}} {{json .Tags}} {{.Inner.A}} {{"}"}}', 'A ["x","y"] 1 }\nLONGER [] 1 }\n'],
  ['{{range $i, $t := .Tags}}{{if $i}}+{{end}}{{$t}}{{else}}none{{end}}', 'x+y\nnone\n'],
  ['table {{.Name}}\\t{{.Inner.A}}', 'NAME      INNER.A\na         1\nlonger    1\n'],
])('format %j', (format, expected) => {
  expect(renderListing(ROWS, LISTING, { format })).toBe(expected)
})

it('only ids with quiet', () => {
  expect(renderListing(ROWS, LISTING, { quiet: true })).toBe('a\nlonger\n')
})

it.each([
  '{{.Nope}}',
  '{{range .Tags}}',
  '{{.Name',
  '{{nope .Name}}',
  '{{end}}',
  '{{.Name ?}}',
  '{{index .Tags 5}}',
  '{{template "nope"}}',
  '{{template .Name}}',
  '{{define "a"}}x',
  '{{define "a" .Name}}{{end}}',
  '{{if true}}{{define "a"}}{{end}}{{end}}',
  '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}',
  '{{range .Tags}}{{block "a" .}}{{break}}{{end}}{{end}}',
])('template %j is refused', format => {
  expect(() => renderListing(ROWS, LISTING, { format })).toThrow(/^template parsing error: /)
})

it.each([
  [0, 'Less than a second'],
  [1_000, '1 second'],
  [59_000, '59 seconds'],
  [60_000, 'About a minute'],
  [150_000, '2 minutes'],
  [3_700_000, 'About an hour'],
  [5_400_000, '2 hours'],
  [47 * 3_600_000, '47 hours'],
  [3 * 86_400_000, '3 days'],
  [21 * 86_400_000, '3 weeks'],
  [90 * 86_400_000, '3 months'],
  [800 * 86_400_000, '2 years'],
])('%i ms is %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text)
})
