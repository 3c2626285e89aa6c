import { expect, it } from 'vitest'
import { dockerTypes } from '../../src/cli/output/go-template/go-types.ts'
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
  ['{{slice .Name 1 3}} {{slice .Name 2}} {{slice .List 1}} {{slice "aé" 0 1}}{{slice .Name}}', 'we eb [y] a/web'],
  [`{{html "<a href='b'>&\\"" }}`, '&lt;a href=&#39;b&#39;&gt;&amp;&#34;'],
  ['{{define "x"}}<{{.}}{{$}}>{{end}}{{template "x" .Count}}{{template "x"}}', '<33><<no value><no value>>'],
  ['{{template "later" .Name}}{{define "later"}}[{{.}}]{{end}} {{block "b" .List}}{{len .}}{{end}}', '[/web] 2'],
  ['{{range .List}}{{template "each" .}}{{end}}{{define "each"}}{{range $}}x{{end}}({{.}}){{end}}', '(x)(y)'],
  [
    '{{js "<a>\\"=x&\'\\\\" "\\n"}} {{urlquery "a b!(c)&" 1}}',
    '\\u003Ca\\u003E\\"\\u003Dx\\u0026\\\'\\\\\\u000A a+b%21%28c%29%261',
  ],
  ['{{printf "%T %T %T %T" .Name .Count .Up .Nothing}}', 'string int bool <nil>'],
  [
    '{{printf "%T %T %T %T" 1.5 .List .Labels .Networks}}',
    'float64 []string map[string]string map[string]interface {}',
  ],
  ['{{index .Labels "none"}}|', '|'],
  ['{{range .List}}{{if eq . "y"}}{{break}}{{end}}{{.}},{{end}}.', 'x,.'],
  ['{{range .List}}<{{if eq . "x"}}{{continue}}{{end}}{{.}}>{{end}}.', '<<y>.'],
  ['{{range .List}}{{range $.List}}{{.}}{{break}}{{end}}-{{end}}', 'x-x-'],
])('%s', (template, expected) => {
  expect(compileTemplate(template)(VALUE)).toBe(expected)
})

it.each([
  [
    '{{.Nope}}',
    'template parsing error: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope: known are Name, Labels',
  ],
  ['{{range .List}}', 'unexpected EOF'],
  ['{{.Name', 'template: :1: unclosed action'],
  ['{{end}}', 'unexpected {{end}}'],
  ['{{nope .Name}}', 'function "nope" not defined'],
  ['{{index .List 7}}', ':1:2: executing "" at <index .List 7>: error calling index: index out of range: 7'],
  ['{{slice .Name 0 9}}', 'error calling slice: index out of range: 9'],
  ['{{slice .Name 3 1}}', 'error calling slice: invalid slice index: 3 > 1'],
  ['{{slice .Name 1 2 3}}', 'error calling slice: cannot 3-index slice a string'],
  ['{{slice .Name "a"}}', 'error calling slice: cannot index slice/array with type string'],
  ['{{slice .Count 1}}', "error calling slice: can't slice item of type int"],
  ['{{slice .Nothing 1}}', 'error calling slice: slice of untyped nil'],
  ['{{break}}', '{{break}} outside {{range}}'],
  ['{{range .List}}{{else}}{{continue}}{{end}}', '{{continue}} outside {{range}}'],
  ['{{$x}}', 'undefined variable "$x"'],
  ['{{(.Name}}', 'unclosed left paren'],
  ['{{.Name ^}}', 'unexpected "^"'],
  ['{{}}', 'missing value for command'],
])('refuses %s: %s', (template, message) => {
  expect(() => compileTemplate(template)(VALUE)).toThrow(message)
})

const INSPECTED = {
  Name: '/web',
  State: { Status: 'running', Running: true },
  Config: { Labels: { tier: 'web' }, Entrypoint: null, Cmd: ['sh'] },
  HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '81' }] } },
  Mounts: [{ Type: 'bind', RW: true }],
}

// What docker 28 prints of a container.
it.each([
  ['{{.Config.Labels.nope}} {{index .Config.Labels "nope"}}|', '<no value> |'],
  ['{{.HostConfig.Init}} {{.Config.Healthcheck}} {{.State.Health}}', '<nil> <nil> <nil>'],
  ['{{.Config.Entrypoint}} {{json .Config.Entrypoint}} {{len .Config.Entrypoint}}', '[] null 0'],
  ['{{.State}} {{.Config.Labels}} {{.Mounts}}', '{running true} map[tier:web] [{bind true}]'],
  ['{{index .HostConfig.PortBindings "1/udp"}}', '<no value>'],
  ['{{index .Config.Labels "none"}}|{{if index .HostConfig.PortBindings "1/udp"}}x{{end}}', '|'],
  ['{{.HostConfig.PortBindings}}', 'map[80/tcp:[{ 81}]]'],
  ['{{with .State.Health}}x{{else}}none{{end}}', 'none'],
])('%s of a container', (template, expected) => {
  expect(compileTemplate(template, { typesOf: dockerTypes })(INSPECTED)).toBe(expected)
})

it.each([
  ['{{.Nope}}', ':1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
  ['{{json .State.Nope}}', ':1:13: executing "" at <.State.Nope>: map has no entry for key "Nope"'],
  ['{{.Name.Foo}}', ':1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'],
  ['a\n{{range .Mounts}}\n{{.Nope}}{{end}}', ':3:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
  ['{{.Config.Healthcheck.Test}}', 'nil pointer evaluating interface {}.Test'],
])('%s is refused of a container', (template, message) => {
  const fill = compileTemplate(template, { typesOf: dockerTypes })
  expect(() => fill(INSPECTED)).toThrow(`template parsing error: template: ${message.startsWith(':') ? message : ''}`)
  expect(() => fill(INSPECTED)).toThrow(message)
})
