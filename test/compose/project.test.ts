import { expect, it } from 'vitest'
import { serviceHash } from '../../src/compose/index.ts'
import { load, messageOf, service } from './load.ts'

const ONE = 'services: {web: {image: a}}'

function names(files: Record<string, string>, options = {}): string[] {
  return Object.keys(load(files, options).model['services'] as object).sort()
}

it('finds the preferred file name, its override, and looks in parent directories', () => {
  const files = {
    'compose.yaml': ONE,
    'docker-compose.yml': 'services: {no: {image: a}}',
    'docker-compose.override.yml': 'services: {web: {labels: [o=1]}}',
    'sub/dir/x': '',
  }
  const project = load(files, { cwd: '/srv/shop/sub/dir' })
  expect(project.configFiles).toEqual(['/srv/shop/compose.yaml', '/srv/shop/docker-compose.override.yml'])
  expect(project).toMatchObject({ name: 'shop', workingDir: '/srv/shop' })
})

it('-f files replace discovery, COMPOSE_FILE too, from .env as well', () => {
  const files = {
    'a.yaml': ONE,
    'b.yaml': 'services: {db: {image: b}}',
    'compose.override.yml': 'services: {no: {image: a}}',
  }
  expect(names(files, { files: ['a.yaml', 'b.yaml'] })).toEqual(['db', 'web'])
  expect(names(files, { env: { COMPOSE_FILE: 'a.yaml:b.yaml' } })).toEqual(['db', 'web'])
  expect(names({ ...files, '.env': 'COMPOSE_FILE=b.yaml' })).toEqual(['db'])
})

it('says what is missing', () => {
  expect(messageOf(() => load({}))).toContain('no configuration file provided: not found')
  expect(messageOf(() => load({}, { files: ['x.yaml'] }))).toContain('stat /srv/shop/x.yaml: no such file or directory')
  expect(messageOf(() => load({ 'compose.yaml': ONE }, { envFiles: ['no.env'] }))).toContain(
    "couldn't find env file: /srv/shop/no.env",
  )
})

it.each<[string, object, string]>([
  [ONE, {}, 'shop'],
  [`name: My-App\n${ONE}`, {}, 'my-app'],
  [`name: mine\n${ONE}`, { env: { COMPOSE_PROJECT_NAME: 'env' } }, 'env'],
  [`name: mine\n${ONE}`, { projectName: 'flag', env: { COMPOSE_PROJECT_NAME: 'env' } }, 'flag'],
  [`name: "\${N:-d}"\n${ONE}`, { env: { N: 'n' } }, 'n'],
])('project name of %j with %j', (yaml, options, expected) => {
  expect(load(yaml, options).name).toBe(expected)
})

it('a name that is given must be a name', () => {
  expect(messageOf(() => load(ONE, { projectName: 'Bad' }))).toContain('invalid project name "Bad"')
})

it('the process wins over .env, --env-file replaces .env', () => {
  const files = {
    'compose.yaml': 'services: {web: {image: "${A}-${B}"}}',
    '.env': 'A=1\nB=2',
    'x.env': 'A=x',
    'y.env': 'B=y$A',
  }
  const image = (options: object): unknown =>
    (load(files, options).model['services'] as Record<string, { image: string }>)['web']?.image
  expect(image({ env: { A: '' } })).toBe('-2')
  expect(image({ envFiles: ['x.env', 'y.env'] })).toBe('x-yx')
  expect(image({ env: { COMPOSE_DISABLE_ENV_FILE: '1' } })).toBe('-')
})

it('a variable that is not set is told once', () => {
  const warnings: string[] = []
  load('services: {web: {image: "a$X", hostname: "$X"}}', { warn: message => warnings.push(message) })
  expect(warnings).toEqual(['The "X" variable is not set. Defaulting to a blank string.'])
})

it('env_file stands under environment, and a bare key beats it', () => {
  const files = {
    'compose.yaml':
      'services: {web: {image: a, env_file: [a.env, {path: no.env, required: false}], environment: {B: own, C: null}}}',
    'a.env': 'A=$B-$OUT\nB=file\nC=file',
  }
  const { model } = load(files, { env: { OUT: 'out' } })
  expect((model['services'] as Record<string, object>)['web']).toMatchObject({
    environment: { A: 'own-out', B: 'own', C: null },
  })
  const missing = { 'compose.yaml': 'services:\n  web:\n    image: a\n    env_file: no.env\n' }
  expect(messageOf(() => load(missing))).toContain('compose.yaml:4:5: env file /srv/shop/no.env not found')
})

const PROFILES = {
  'compose.yaml':
    'services: {web: {image: a}, debug: {image: b, profiles: [dev], depends_on: [web]}, test: {image: c, profiles: [ci]}}',
}

it.each<[object, string[]]>([
  [{}, ['web']],
  [{ profiles: ['dev'] }, ['debug', 'web']],
  [{ env: { COMPOSE_PROFILES: 'dev, ci' } }, ['debug', 'test', 'web']],
  [{ profiles: ['ci'], env: { COMPOSE_PROFILES: 'dev' } }, ['test', 'web']],
  [{ profiles: ['*'] }, ['debug', 'test', 'web']],
  [{ services: ['debug'] }, ['debug', 'web']],
  [{ services: ['debug'], withDependencies: false }, ['debug']],
])('profiles and selection %j', (options, expected) => {
  expect(names(PROFILES, options)).toEqual(expected)
})

it('an unknown service is named, with those that are known', () => {
  expect(messageOf(() => names(PROFILES, { services: ['nope'] }))).toBe('no such service: nope. The services are web')
})

it('resources nobody uses are left out, the default network only made if used', () => {
  const { model } = load('services: {web: {image: a, networks: [n]}}\nnetworks: {n: , m: }\nvolumes: {v: }')
  expect(model['networks']).toEqual({ n: { name: 'shop_n' } })
  expect(model['volumes']).toEqual({})
  expect(load(ONE).model['networks']).toEqual({ default: { name: 'shop_default' } })
})

it('a hash follows what containers are made of, and nothing else', () => {
  const base = serviceHash(service('environment: {A: 1}\nlabels: {l: 1}'))
  expect(serviceHash(service('environment: {A: 2}\nlabels: {l: 1}'))).not.toBe(base)
  expect(serviceHash(service('labels: [l=1]\nenvironment: [A=1]'))).toBe(base)
  expect(serviceHash(service('environment: {A: 1}\nlabels: {l: 1}\nscale: 3\npull_policy: always\nx-a: 1'))).toBe(base)
})
