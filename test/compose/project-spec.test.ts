import { expect, it } from 'vitest'
import { messageOf } from './load.ts'
import { convert } from './spec/convert.ts'

it('carries a service with everything a cluster needs to know', () => {
  const { spec, warnings } = convert(`
services:
  web:
    image: shop/web:1
    command: serve --port 80
    environment: {A: 1, GONE: null, NODE: "{{.Node.Hostname}}"}
    ports: ["8080:80", {target: 53, protocol: udp, mode: host}]
    volumes: ["data:/data:ro", "/etc/conf:/conf", "/tmp/x"]
    tmpfs: /run:size=64m
    networks: {front: {aliases: [www]}}
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: curl -f localhost, interval: 10s, retries: 3}
    stop_grace_period: 1m
    ulimits: {nofile: 10, nproc: {soft: 1, hard: 2}}
    extra_hosts: ["h:1.2.3.4"]
    deploy:
      replicas: 3
      resources: {limits: {cpus: "0.5", memory: 128M, pids: 10}, reservations: {cpus: "0.25", memory: 64M}}
      placement: {constraints: [node.labels.disk == ssd]}
      restart_policy: {condition: on-failure, delay: 5s, max_attempts: 4}
  db:
    image: pg
    container_name: database
    restart: unless-stopped
    healthcheck: {disable: true}
    networks: [front]
    mem_limit: 1g
    cpus: 2
networks: {front: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}}
volumes: {data: {driver_opts: {type: nfs}, labels: [a=b]}}
`)
  expect(warnings).toEqual([])
  expect(spec).toMatchObject({
    name: 'shop',
    workingDir: '/srv/shop',
    networks: [{ key: 'front', name: 'shop_front', internal: true, external: false, subnet: '10.9.0.0/24' }],
    volumes: [{ key: 'data', name: 'shop_data', driver: 'local', driverOptions: { type: 'nfs' }, labels: { a: 'b' } }],
  })
  const [web, db] = spec.services
  expect(web).toEqual({
    name: 'web',
    replicas: 3,
    container: {
      image: 'shop/web:1',
      command: ['serve', '--port', '80'],
      environment: { A: '1', NODE: '{{.Node.Hostname}}' },
      mounts: [
        { type: 'volume', source: 'shop_data', target: '/data', readOnly: true },
        { type: 'bind', source: '/etc/conf', target: '/conf', createSource: true },
        { type: 'volume', target: '/tmp/x' },
        { type: 'tmpfs', target: '/run', sizeBytes: 64 * 1024 ** 2 },
      ],
      healthcheck: { test: ['CMD-SHELL', 'curl -f localhost'], intervalMs: 10_000, retries: 3 },
      stopGraceMs: 60_000,
      ulimits: { nofile: { soft: 10, hard: 10 }, nproc: { soft: 1, hard: 2 } },
      extraHosts: ['h:1.2.3.4'],
    },
    limits: { nanoCpus: 5e8, memoryBytes: 128 * 1024 ** 2, pids: 10 },
    reservations: { nanoCpus: 25e7, memoryBytes: 64 * 1024 ** 2 },
    constraints: ['node.labels.disk == ssd'],
    networks: [{ network: 'shop_front', aliases: ['www'] }],
    ports: [
      { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' },
      { target: 53, protocol: 'udp', mode: 'host' },
    ],
    restart: { condition: 'on-failure', delayMs: 5_000, maxAttempts: 4 },
    dependsOn: [{ service: 'db', condition: 'service_healthy', required: true }],
  })
  expect(db).toMatchObject({
    replicas: 1,
    container: { image: 'pg', healthcheck: { test: ['NONE'] } },
    limits: { nanoCpus: 2e9, memoryBytes: 1024 ** 3 },
    networks: [{ aliases: ['database'] }],
    restart: { condition: 'any' },
  })
})

it.each<[string, object]>([
  ['', { condition: 'on-failure', delayMs: 1_000 }],
  ['restart: "no"', { condition: 'none' }],
  ['restart: always', { condition: 'any' }],
  ['restart: on-failure:3', { condition: 'on-failure', maxAttempts: 3 }],
  ['restart: always\n    deploy: {restart_policy: {condition: none}}', { condition: 'none' }],
  ['deploy: {restart_policy: {}}', { condition: 'any' }],
])('restart of %j', (yaml, expected) => {
  const { spec } = convert(`services:\n  web:\n    image: a\n    ${yaml}\n`)
  expect(spec.services[0]?.restart).toEqual(expected)
})

it.each<[string, object | undefined]>([
  ['{}', undefined],
  [
    '{parallelism: 0, order: start-first, delay: 10s, monitor: 1m, failure_action: continue, max_failure_ratio: 0.2}',
    {
      parallelism: 0,
      order: 'start-first',
      delayMs: 10_000,
      monitorMs: 60_000,
      failureAction: 'continue',
      maxFailureRatio: 0.2,
    },
  ],
  ['{order: stop-first, failure_action: pause}', undefined],
])('update_config %s', (yaml, expected) => {
  const { spec } = convert(`services: {web: {image: a, deploy: {update_config: ${yaml}}}}`)
  expect(spec.services[0]?.update).toEqual(expected)
})

it('a build without an image is named after project and service; links give names', () => {
  const { spec } = convert('services: {web: {build: ., links: ["db:store"]}, db: {image: d}}')
  expect(spec.services.find(({ name }) => name === 'web')?.container.image).toBe('shop-web')
  expect(spec.services.find(({ name }) => name === 'db')?.networks[0]?.aliases).toEqual(['store'])
})

it('host and none need no network', () => {
  const { spec } = convert('services: {a: {image: a, network_mode: host}, b: {image: b, network_mode: none}}')
  expect(spec.services.map(({ container, networks }) => [container.networkMode, networks])).toEqual([
    ['host', []],
    ['none', []],
  ])
})

it.each([
  ['network_mode: service:db', 'services.web.network_mode: service:db is not supported: only none and host are'],
  ['pid: service:db', 'services.web.pid: service:db is not supported: replicas may run on any host'],
  ['pull_policy: refresh', 'services.web.pull_policy: refresh is not supported: use always, missing, never, daily'],
  ['post_start: [{command: a}]', 'services.web.post_start is not supported: make it part of the command'],
  ['use_api_socket: true', 'services.web.use_api_socket is not supported: give the container'],
  ['storage_opt: {size: 1G}', 'services.web.storage_opt is not supported: writable layers have no quota'],
  [
    'deploy: {mode: global, update_config: {order: start-first}}',
    'services.web.deploy is not supported with update_config.order start-first: a node has one task',
  ],
  ['deploy: {mode: sometimes}', 'services.web.deploy.mode: sometimes is not supported: use replicated, global'],
  [
    'deploy: {mode: replicated-job, restart_policy: {condition: any}}',
    'services.web.deploy.restart_policy.condition: a job that has succeeded is done',
  ],
  [
    'deploy: {placement: {preferences: [{spread: node.labels.a}, {spread: node.labels.b}]}}',
    'services.web.deploy.placement.preferences is not supported: replicas are spread over one label',
  ],
  ['ports: ["8000-8010:80"]', 'services.web.ports.0.published: 8000-8010 is not supported: name one port'],
  ['ports: ["80:80/sctp"]', 'services.web.ports.0.protocol: sctp is not supported: use tcp or udp'],
  [
    'networks: {default: {ipv4_address: 10.0.0.9}}',
    'services.web.networks.default.ipv4_address: 10.0.0.9 is not supported: addresses are given by the cluster',
  ],
  [
    'deploy: {update_config: {failure_action: rollback}}',
    'services.web.deploy.update_config.failure_action: rollback is not supported: use pause',
  ],
  ['restart: sometimes', 'services.web.restart: "sometimes" is not a restart policy'],
  [
    'volumes: [{type: volume, source: v, target: /a, volume: {subpath: ../b}}]',
    'services.web.volumes.0.volume.subpath: ../b leads out of the volume',
  ],
  [
    'volumes: [{type: volume, source: v, target: /a, volume: {subpath: /b}}]',
    'services.web.volumes.0.volume.subpath: /b leads out of the volume',
  ],
  [
    'volumes: [{type: volume, source: v, target: ../a}]',
    'services.web.volumes.0.target: ../a must be an absolute path',
  ],
  ['tmpfs: [../run]', 'services.web.tmpfs.0: ../run must be an absolute path'],
  ['working_dir: ../srv', 'services.web.working_dir: ../srv must be an absolute path'],
  ['volumes: [{type: npipe, source: a, target: /a}]', 'services.web.volumes.0.type: npipe is not supported'],
])('%s is refused by name and line', (yaml, message) => {
  const text = `services:\n  web:\n    image: a\n    ${yaml}\n  db: {image: d}\nvolumes: {v: {}}\n`
  expect(messageOf(() => convert(text))).toMatch(/^\/srv\/shop\/compose\.yaml:4:\d+: /)
  expect(messageOf(() => convert(text))).toContain(message)
})

it('tells what has no effect', () => {
  const { warnings } = convert('services: {web: {image: a, deploy: {endpoint_mode: vip}}}')
  expect(warnings).toEqual([
    'services.web.deploy.endpoint_mode is answered as dnsrr is: the name of a service has the addresses of all its replicas that are well',
  ])
})

it.each<[string, object]>([
  ['deploy: {mode: global}', { mode: 'global', replicas: 1 }],
  ['deploy: {mode: global, replicas: 0}', { mode: 'global', replicas: 0 }],
  ['deploy: {mode: global-job}', { mode: 'global', restart: { condition: 'on-failure' } }],
  ['deploy: {mode: replicated-job, replicas: 3}', { replicas: 3, restart: { condition: 'on-failure' } }],
  [
    'deploy: {mode: replicated-job, restart_policy: {max_attempts: 2}}',
    { restart: { condition: 'on-failure', maxAttempts: 2 } },
  ],
  ['deploy: {placement: {max_replicas_per_node: 2}}', { replicasPerNode: 2 }],
  ['deploy: {placement: {preferences: [{spread: node.labels.zone}]}}', { spreadOver: 'node.labels.zone' }],
  ['deploy: {labels: {a: b}}', { labels: { a: 'b' } }],
  ['pull_policy: daily', { container: { pullAfterMs: 86_400_000 } }],
  ['pull_policy: weekly', { container: { pullAfterMs: 604_800_000 } }],
  ['pull_policy: every_1d12h', { container: { pullAfterMs: 129_600_000 } }],
  ['platform: linux/arm64/v8', { constraints: ['node.platform.os == linux', 'node.platform.arch == arm64'] }],
])('%s reaches the cluster', (yaml, expected) => {
  const { spec, warnings } = convert(`services:\n  web:\n    image: a\n    ${yaml}\n`)
  expect(spec.services[0]).toMatchObject(expected)
  expect(warnings).toEqual([])
})
