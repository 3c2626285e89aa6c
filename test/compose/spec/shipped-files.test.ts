import { expect, it } from 'vitest'
import type { FileSpec } from '../../../src/core/model/service.ts'
import { unpackParcel } from '../../../src/core/parcel.ts'
import { messageOf } from '../load.ts'
import { convert } from './convert.ts'

const FILES = { 'key.txt': 'hunter2', 'conf/a.conf': 'a', 'one.conf': 'one', empty: '' }

function filesOf(yaml: string, files = FILES) {
  const { spec, warnings } = convert(yaml, files, { env: { TOKEN: 'from-env' } })
  return { files: spec.services[0]?.container.files ?? [], contents: spec.contents ?? {}, spec, warnings }
}

function withoutId(file: FileSpec): Omit<FileSpec, 'id'> {
  const { id, ...rest } = file
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  return rest
}

function textOf(contents: Readonly<Record<string, string>>, id = ''): string[] {
  const entries = unpackParcel(Buffer.from(contents[id] ?? '', 'base64'))
  return entries.flatMap(entry =>
    entry.kind === 'file' ? [`${entry.path}=${Buffer.from(entry.data).toString()}`] : [],
  )
}

it('ships secrets and configs of a file, a variable and a text, each with its place and rights', () => {
  const { files, contents } = filesOf(`
services:
  web:
    image: a
    secrets: [key, {source: token, target: other, uid: "7", gid: "8", mode: 0400}]
    configs: [motd, {source: motd, target: /etc/motd}]
secrets: {key: {file: ./key.txt}, token: {environment: TOKEN}}
configs: {motd: {content: hello}}
`)
  expect(files.map(withoutId)).toEqual([
    { kind: 'secret', name: 'key', target: '/run/secrets/key' },
    { kind: 'secret', name: 'token', target: '/run/secrets/other', uid: 7, gid: 8, mode: 0o400 },
    { kind: 'config', name: 'motd', target: '/motd' },
    { kind: 'config', name: 'motd', target: '/etc/motd' },
  ])
  const texts = files.map(({ id }) => textOf(contents, id))
  expect(texts).toEqual([['=hunter2'], ['=from-env'], ['=hello'], ['=hello']])
  expect(Object.keys(contents)).toHaveLength(3)
})

it('names content by what it is: another text is another id, and so another spec', () => {
  const yaml = 'services: {web: {image: a, configs: [c]}}\nconfigs: {c: {file: ./one.conf}}'
  const before = filesOf(yaml).files
  expect(filesOf(yaml).files).toEqual(before)
  expect(filesOf(yaml, { ...FILES, 'one.conf': 'two' }).files).not.toEqual(before)
})

it('ships what relative bind mounts name, and leaves absolute paths to the hosts', () => {
  const { files, contents, spec, warnings } = filesOf(
    'services: {web: {image: a, volumes: ["./conf:/etc/web:ro", "./one.conf:/etc/one", "/srv/shop/data:/data"]}}',
  )
  expect(files.map(({ kind, name, target }) => [kind, name, target])).toEqual([
    ['snapshot', '/srv/shop/conf', '/etc/web'],
    ['snapshot', '/srv/shop/one.conf', '/etc/one'],
  ])
  expect(textOf(contents, files[0]?.id)).toEqual(['a.conf=a'])
  expect(spec.services[0]?.container.mounts).toEqual([
    { type: 'bind', source: '/srv/shop/data', target: '/data', createSource: true },
  ])
  expect(warnings).toEqual([
    'services.web.volumes.1: /srv/shop/one.conf is shipped to the hosts as a copy that the container cannot write; add :ro',
  ])
})

it('takes relative paths of extended and included files from where they stand', () => {
  const { spec } = convert(
    'include: [sub/compose.yaml]\nservices: {web: {extends: {file: sub/base.yaml, service: base}}}',
    {
      'sub/compose.yaml': 'services: {other: {image: a, volumes: ["./x:/x:ro"]}}',
      'sub/base.yaml': 'services: {base: {image: a, volumes: ["./x:/y:ro"]}}',
      'sub/x': 'x',
    },
  )
  const names = spec.services.flatMap(({ container }) => container.files ?? []).map(({ name }) => name)
  expect(names).toEqual(['/srv/shop/sub/x', '/srv/shop/sub/x'])
})

it.each([
  [
    'volumes: ["./conf:/etc/web"]',
    'volumes.0: /srv/shop/conf is shipped to the hosts as a copy that the container cannot write: add :ro',
  ],
  ['volumes: ["./gone:/data"]', '/srv/shop/gone does not exist: for data that the container writes use a named volume'],
  ['volumes: ["./empty:/data:ro"]', '/srv/shop/empty is an empty directory: for data that'],
  ['secrets: [gone]', 'secrets.gone.file: /srv/shop/gone.txt does not exist'],
  ['secrets: [dir]', 'secrets.dir.file: /srv/shop/conf is a directory: a secret is one file'],
  ['secrets: [unset]', 'secrets.unset.environment: the variable UNSET is not set'],
  ['secrets: [theirs]', 'secrets.theirs.external is not supported'],
  ['configs: [big]', 'configs.big is too large: a config has at most 1000 KiB'],
  ['secrets: [{source: key, uid: nobody}]', 'services.web.secrets.0.uid: nobody is not a number'],
  ['configs: [{source: templated}]', 'configs.templated.template_driver is not supported'],
])('%s is refused by name', (line, message) => {
  const text = `services:\n  web:\n    image: a\n    ${line}\nsecrets:\n  gone: {file: ./gone.txt}\n  dir: {file: ./conf}
  unset: {environment: UNSET}\n  theirs: {external: true}\n  key: {file: ./key.txt}\nconfigs:\n  big: {file: ./big}\n  templated: {content: a, template_driver: golang}\n`
  const files = { ...FILES, big: 'x'.repeat(1_000 * 1024 + 1) }
  expect(messageOf(() => convert(text, files))).toContain(message)
})
