import { expect, it } from 'vitest'
import { load, messageOf } from './load.ts'

type Services = Record<string, Record<string, unknown>>

function services(files: Record<string, string>): Services {
  return load(files).model['services'] as Services
}

it('extends another file: its paths are its own, its siblings are not looked at', () => {
  const { web } = services({
    'compose.yaml': 'services: {web: {extends: {file: common/base.yaml, service: app}, environment: {B: 2}}}',
    'common/base.yaml':
      'services: {app: {extends: core, volumes: ["./d:/d"]}, core: {image: i, environment: {A: 1, B: 1}}, bad: {nope: 1}}',
  })
  expect(web).toMatchObject({
    image: 'i',
    environment: { A: '1', B: '2' },
    volumes: [{ source: '/srv/shop/common/d', target: '/d' }],
  })
  expect(web).not.toHaveProperty('extends')
})

it('!reset in the extender takes away what was inherited', () => {
  const { web } = services({
    'compose.yaml':
      'services: {base: {image: i, ports: ["1:1"], dns: 1.1.1.1}, web: {extends: base, ports: !reset []}}',
  })
  expect(web?.['ports']).toBeUndefined()
  expect(web?.['dns']).toEqual(['1.1.1.1'])
})

it.each([
  [
    'web: {extends: nope}',
    'compose.yaml:1:18: cannot extend service "web" in /srv/shop/compose.yaml: service "nope" not found',
  ],
  ['web: {extends: {file: x.yaml, service: a}}', 'stat /srv/shop/x.yaml: no such file or directory'],
  ['web: {extends: {file: compose.yaml}}', 'extends.web.service is required'],
  ['web: {extends: a}, a: {extends: web}', 'Circular reference:\n  web in /srv/shop/compose.yaml\n  extends a in'],
])('%s is refused', (body, message) => {
  expect(messageOf(() => services({ 'compose.yaml': `services: {${body}}` }))).toContain(message)
})

it('include brings another project in, relative to its own directory and with its own .env', () => {
  const { db, web } = services({
    'compose.yaml': 'include: [db/compose.yaml]\nservices: {web: {image: w, depends_on: [db]}, db: {labels: [mine=1]}}',
    'db/compose.yaml': 'name: other\nservices: {db: {image: "pg:${TAG}", volumes: ["./data:/data"]}}',
    'db/.env': 'TAG=16',
  })
  expect(db).toMatchObject({ image: 'pg:16', labels: { mine: '1' }, volumes: [{ source: '/srv/shop/db/data' }] })
  expect(web).toHaveProperty('depends_on')
})

it('what the including project has set wins over the included .env', () => {
  const files = {
    'compose.yaml': 'include: [db/compose.yaml]',
    'db/compose.yaml': 'services: {db: {image: "pg:${TAG}"}}',
    'db/.env': 'TAG=16',
    '.env': 'TAG=17',
  }
  expect(services(files)['db']).toMatchObject({ image: 'pg:17' })
})

it.each([
  [{ 'compose.yaml': 'include: a.yaml' }, 'compose.yaml:1:1: `include` must be a list'],
  [{ 'compose.yaml': 'include: [a.yaml]', 'a.yaml': 'include: [compose.yaml]' }, 'include cycle detected'],
  [{ 'compose.yaml': 'include: [a.yaml]' }, 'compose.yaml:1:11: stat /srv/shop/a.yaml: no such file or directory'],
])('%j is refused', (files, message) => {
  expect(messageOf(() => services(files as Record<string, string>))).toContain(message)
})
