import { expect, it } from 'vitest'
import { compileTemplate } from '../../src/cli/output/go-template/render.ts'

const VALUE = {
  Name: '/web',
  Labels: { b: '2', a: '1' },
  List: ['x', 'y'],
  Empty: [],
  Nothing: null,
  Count: 3,
  Up: true,
  Networks: { front: { IPAddress: '10.0.0.2' }, back: { IPAddress: '10.0.0.3' } },
  Label: (name: unknown) => `label ${String(name)}`,
}

// What docker 28 prints for the same, where it has the value.
it.each([
  ['{{.Name}} {{.Count}} {{.Up}}', '/web 3 true'],
  ['{{.Labels}} {{.List}} {{.Empty}} {{.Nothing}}', 'map[a:1 b:2] [x y] [] <nil>'],
  ['{{json .Labels}} {{json .List}}', '{"b":"2","a":"1"} ["x","y"]'],
  ['{{range .Networks}}{{.IPAddress}} {{end}}', '10.0.0.3 10.0.0.2 '],
  ['{{range $name, $net := .Networks}}{{$name}}={{$net.IPAddress}};{{end}}', 'back=10.0.0.3;front=10.0.0.2;'],
  ['{{range .Empty}}x{{else}}none{{end}}', 'none'],
  ['{{if .Nothing}}a{{else if eq .Count 3}}b{{else}}c{{end}}', 'b'],
  ['{{with .Labels}}{{.a}}{{end}} {{with .Nothing}}x{{else}}y{{end}}', '1 y'],
  ['{{index .Labels "a"}} {{index .List 1}} {{(index .Networks "front").IPAddress}}', '1 y 10.0.0.2'],
  ['{{.Name | printf "%q" | len}} {{printf "%-5s|%5d|%.1f" "ab" 42 1.25}}', '6 ab   |   42|1.3'],
  [
    '{{join .List "+"}} {{upper "a"}} {{split "a:b" ":"}} {{title "up"}} {{truncate .Name 2}} {{pad "x" 1 2}}|',
    'x+y A [a b] Up /w  x  |',
  ],
  ['{{and .Up .Count}} {{or .Nothing "z"}} {{not .Up}} {{gt .Count 2}} {{ne .Count 3}}', '3 z false true false'],
  ['{{$x := .Count}}{{$x}}{{/* a comment */}} {{- " y" -}}   z', '3 yz'],
  ['{{.Label "k"}} {{`raw "q"`}} {{"\\t}}"}}', 'label k raw "q" \t}}'],
  ['{{println .Name}}{{len .Labels}}', '/web\n2'],
])('%s', (template, expected) => {
  expect(compileTemplate(template)(VALUE)).toBe(expected)
})

it.each([
  ['{{.Nope}}', 'Cannot find field "Nope"'],
  ['{{range .List}}', 'unexpected EOF'],
  ['{{.Name', 'an action has no end'],
  ['{{end}}', 'unexpected {{end}}'],
  ['{{nope .Name}}', 'function "nope" not defined'],
  ['{{index .List 7}}', 'slice index out of range'],
  ['{{$x}}', 'undefined variable "$x"'],
  ['{{(.Name}}', 'unclosed left paren'],
  ['{{.Name ^}}', 'unexpected "^"'],
  ['{{}}', 'missing value for command'],
])('refuses %s: %s', (template, message) => {
  expect(() => compileTemplate(template)(VALUE)).toThrow(message)
})

it('shows what is not there as docker does when it is asked for leniently', () => {
  expect(compileTemplate('{{.Nope}} {{.Name.First}}', { lenient: true })(VALUE)).toBe('<no value> <no value>')
})
