import { type TSchema, Type } from 'typebox'

/** Bodies that clients send, as JSON schemas: checked on arrival and published in the OpenAPI document. */

const text = Type.String()
const texts = Type.Array(text)
const count = Type.Integer({ minimum: 0 })
const flag = Type.Boolean()
const maybe = Type.Optional
const labels = Type.Record(text, text)
const port = Type.Integer({ minimum: 1, maximum: 65_535 })
const oneOf = (...values: readonly string[]): TSchema => Type.Enum([...values])

const resources = Type.Object({ memoryBytes: maybe(count), nanoCpus: maybe(count), pids: maybe(count) })

const mount = Type.Object({
  type: oneOf('volume', 'bind', 'tmpfs'),
  source: maybe(text),
  target: text,
  readOnly: maybe(flag),
  sizeBytes: maybe(count),
  mode: maybe(count),
  propagation: maybe(text),
  createSource: maybe(flag),
  recursive: maybe(oneOf('enabled', 'disabled', 'writable', 'readonly')),
  noCopy: maybe(flag),
  subpath: maybe(text),
  labels: maybe(labels),
})

const file = Type.Object({
  kind: oneOf('secret', 'config', 'snapshot'),
  name: text,
  id: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  target: Type.String({ pattern: '^/' }),
  uid: maybe(count),
  gid: maybe(count),
  mode: maybe(Type.Integer({ minimum: 0, maximum: 0o7777 })),
})

const healthcheck = Type.Object({
  test: texts,
  intervalMs: maybe(count),
  timeoutMs: maybe(count),
  startPeriodMs: maybe(count),
  startIntervalMs: maybe(count),
  retries: maybe(count),
})

const container = Type.Object({
  image: Type.String({ minLength: 1 }),
  imageId: maybe(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
  command: maybe(texts),
  entrypoint: maybe(texts),
  environment: maybe(labels),
  labels: maybe(labels),
  mounts: maybe(Type.Array(mount)),
  files: maybe(Type.Array(file)),
  healthcheck: maybe(healthcheck),
  pullPolicy: maybe(oneOf('always', 'never')),
  pullAfterMs: maybe(Type.Number({ minimum: 0 })),
  expose: maybe(texts),
  engine: maybe(Type.Object({})),
  networkMode: maybe(oneOf('none', 'host')),
})

const service = Type.Object({
  name: text,
  replicas: Type.Integer(),
  mode: maybe(oneOf('global')),
  replicasPerNode: maybe(Type.Integer({ minimum: 1 })),
  spreadOver: maybe(text),
  labels: maybe(labels),
  container,
  limits: resources,
  reservations: resources,
  constraints: texts,
  networks: Type.Array(Type.Object({ network: text, aliases: texts })),
  ports: Type.Array(
    Type.Object({
      target: port,
      published: maybe(port),
      protocol: oneOf('tcp', 'udp'),
      mode: oneOf('ingress', 'host'),
      hostIp: maybe(text),
    }),
  ),
  restart: Type.Object({
    condition: oneOf('none', 'on-failure', 'any'),
    delayMs: maybe(count),
    maxAttempts: maybe(count),
    windowMs: maybe(count),
  }),
  update: maybe(
    Type.Object({
      parallelism: maybe(count),
      order: maybe(oneOf('stop-first', 'start-first')),
      delayMs: maybe(count),
      monitorMs: maybe(count),
      failureAction: maybe(oneOf('pause', 'continue')),
      maxFailureRatio: maybe(Type.Number({ minimum: 0, maximum: 1 })),
    }),
  ),
  dependsOn: Type.Array(
    Type.Object({
      service: text,
      condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
      required: flag,
      restart: maybe(flag),
    }),
  ),
})

export const projectSpecSchema = Type.Object({
  name: text,
  services: Type.Array(service),
  networks: Type.Array(
    Type.Object({ name: text, key: text, external: flag, internal: flag, subnet: maybe(text), labels }),
  ),
  volumes: Type.Array(
    Type.Object({ name: text, key: text, external: flag, driver: text, driverOptions: labels, labels }),
  ),
  workingDir: maybe(text),
  configFiles: maybe(texts),
  contents: maybe(labels),
})

export const nodeChangeSchema = Type.Object({
  labels: maybe(Type.Record(text, Type.Union([text, Type.Null()]))),
  availability: maybe(oneOf('active', 'pause', 'drain')),
})

export const whyNotSchema = Type.Object({
  of: text,
  container: maybe(Type.Object({})),
  name: maybe(text),
  node: maybe(text),
})

export const rebalanceSchema = Type.Object({ moves: Type.Number(), dryRun: flag })
