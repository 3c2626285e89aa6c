import { expect, it } from 'vitest'
import { CANONICAL_PATTERNS } from '../../src/compose/canonical/canonicalise.ts'
import { ComposeError } from '../../src/compose/index.ts'
import { load, messageOf } from './load.ts'

const head = '/srv/shop/compose.yaml'

it.each([
  ['services:\n  web:\n    image: 1\n', `${head}:3:5: services.web.image must be a string`],
  [
    'services:\n  web:\n    imge: a\n',
    `${head}:3:5: services.web additional properties 'imge' not allowed (did you mean 'image'?)`,
  ],
  [
    'services:\n  web:\n    prots: [80]\n',
    `${head}:3:5: services.web additional properties 'prots' not allowed (did you mean 'ports'?)`,
  ],
  ['services:\n  - web\n', `${head}:1:1: services must be a mapping`],
  ['services:\n  web: a\n', `${head}:2:3: services.web must be a mapping`],
  [
    'services:\n  web:\n    image: a\n    ports:\n      - "80"\n      - {target: 80, foo: 1}\n',
    `${head}:6:22: services.web.ports.1 additional properties 'foo' not allowed`,
  ],
  [
    'services:\n  web:\n    image: a\n    depends_on:\n      db: {condition: ready}\n',
    `${head}:5:12: services.web.depends_on.db.condition value must be one of 'service_started', 'service_healthy', 'service_completed_successfully'`,
  ],
  [
    'services:\n  web:\n    image: a\n    environment:\n      A: [1]\n',
    `${head}:5:7: services.web.environment.A must be a boolean, null, number or string`,
  ],
  [
    'services:\n  web:\n    image: a\n    stop_grace_period: 5\n',
    `${head}:4:5: services.web.stop_grace_period must be a string`,
  ],
  ['services:\n  web:\n    image: a\n    mem_limit: 10x\n', `${head}:4:5: services.web.mem_limit: invalid size: '10x'`],
  [
    'services:\n  web:\n    image: a\n    scale: many\n',
    `${head}:4:5: error while interpolating services.web.scale: failed to cast to expected type: invalid integer: "many"`,
  ],
  [
    'services:\n  web:\n    image: ${A?set A}\n',
    `${head}:3:5: error while interpolating services.web.image: required variable A is missing a value: set A`,
  ],
  ['services:\n  web:\n    image: ${A\n', `${head}:3:5: invalid interpolation format for services.web.image`],
  ['services:\n  web: {}\n', `${head}:2:3: service "web" has neither an image nor a build context specified`],
  [
    'services:\n  web:\n    image: a\n    networks: [nope]\n',
    `${head}:4:16: service "web" refers to undefined network nope`.replace(':16', ':5'),
  ],
  [
    'services:\n  web:\n    image: a\n    volumes:\n      - nope:/x\n',
    `${head}:5:9: service "web" refers to undefined volume nope`,
  ],
  ['services:\n  web:\n    image: a\n    secrets: [nope]\n', `service "web" refers to undefined secret nope`],
  ['services:\n  web:\n    image: a\n    depends_on: [db]\n', `service "web" depends on undefined service "db"`],
  [
    'services:\n  a:\n    image: a\n    depends_on: [b]\n  b:\n    image: b\n    links: [a]\n',
    'dependency cycle detected: a -> b -> a',
  ],
  [
    'services:\n  web:\n    image: a\n    network_mode: host\n    networks: [x]\nnetworks:\n  x:\n',
    'declares mutually exclusive `network_mode` and `networks`',
  ],
  [
    'services:\n  web:\n    image: a\n    mem_limit: 1m\n    deploy: {resources: {limits: {memory: 2m}}}\n',
    "can't set distinct values on 'mem_limit' and 'deploy.resources.limits.memory'",
  ],
  [
    'services:\n  web:\n    image: a\n    container_name: aa\n    scale: 2\n',
    `${head}:4:5: services.web: can't set container_name and 2 replicas`,
  ],
  ['services:\n  web:\n    image: a\n    healthcheck: {test: [curl]}\n', 'healthcheck.test must start either by'],
  [
    'services:\n  web:\n    image: a\nvolumes:\n  v: {external: true, driver: x}\n',
    `${head}:5:3: volumes.v: conflicting parameters "external" and "driver" specified`,
  ],
  ['- a\n', `${head}:1:1: the top level of a compose file must be a mapping`],
  ['# nothing\n', 'empty compose file'],
  ['services:\n  "a b": {image: a}\n', "services additional properties 'a b' not allowed"],
  [
    'services:\n  web:\n    image: a\n    command: "echo \'x"\n',
    `${head}:4:5: services.web.command: invalid command line string`,
  ],
])('%j', (yaml, message) => {
  expect(messageOf(() => load(yaml))).toContain(message)
})

it('tells everything that is wrong at once, each with its place', () => {
  try {
    load('services:\n  a:\n    image: 1\n    foo: 2\n  b:\n    tty: [1]\n')
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ComposeError)
    expect((error as ComposeError).problems.map(({ at }) => at?.line)).toEqual([3, 4, 6])
  }
})

it('names the file of several that is wrong', () => {
  const files = { 'a.yaml': 'services: {web: {image: a}}', 'b.yaml': 'services:\n  web:\n    foo: 1\n' }
  expect(messageOf(() => load(files, { files: ['a.yaml', 'b.yaml'] }))).toContain('/srv/shop/b.yaml:3:5: services.web')
})

it('every pattern of the long forms is written once', () => {
  expect(new Set(CANONICAL_PATTERNS).size).toBe(CANONICAL_PATTERNS.length)
})
