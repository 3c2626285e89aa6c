import {
  atLeast,
  command,
  dictionary,
  either,
  flag,
  integer,
  type KeyRule,
  keyValues,
  listOf,
  NAME,
  number,
  oneOf,
  record,
  scalar,
  setOf,
  stringList,
  stringOrList,
  text,
  textOrNumber,
} from './shape.ts'

/** Parts of a service that have a shape of their own, by the attribute they belong to. */

const LIMIT: KeyRule = { pattern: /^[a-z]+$/, said: 'limits are named in small letters, such as nofile' }

export const ulimits = dictionary(either(integer, record({ hard: integer, soft: integer }, ['soft', 'hard'])), LIMIT)

export const fileReference = either(
  text,
  record({ source: text, target: text, uid: text, gid: text, mode: textOrNumber }),
)

export const extraHosts = either(dictionary(either(text, listOf(text))), setOf(text))

export const build = either(
  text,
  record({
    additional_contexts: keyValues,
    args: keyValues,
    cache_from: listOf(text),
    cache_to: listOf(text),
    context: text,
    dockerfile: text,
    dockerfile_inline: text,
    entitlements: listOf(text),
    extra_hosts: extraHosts,
    isolation: text,
    labels: keyValues,
    network: text,
    no_cache: flag,
    no_cache_filter: stringOrList,
    platforms: listOf(text),
    privileged: flag,
    provenance: flag,
    pull: flag,
    sbom: flag,
    secrets: listOf(fileReference),
    shm_size: scalar('integer', 'string'),
    ssh: either(dictionary(scalar('boolean', 'null', 'number', 'string')), setOf(text), text),
    tags: listOf(text),
    target: text,
    ulimits,
  }),
)

export const healthcheck = record({
  disable: flag,
  interval: text,
  retries: atLeast(0, 'integer', 'string'),
  start_interval: text,
  start_period: text,
  test: either(text, listOf(text)),
  timeout: text,
})

export const dependsOn = either(
  stringList,
  dictionary(
    record(
      {
        condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
        required: flag,
        restart: flag,
      },
      ['condition'],
    ),
    NAME,
  ),
)

const updateConfig = record({
  delay: text,
  failure_action: text,
  max_failure_ratio: number,
  monitor: text,
  order: oneOf('start-first', 'stop-first'),
  parallelism: integer,
})

const deviceRequest = {
  capabilities: stringList,
  count: scalar('string', 'integer'),
  device_ids: stringList,
  driver: text,
  options: keyValues,
}

const genericResources = listOf(record({ discrete_resource_spec: record({ kind: text, value: number }) }))

export const gpus = either(oneOf('all'), listOf(record(deviceRequest)))

export const deploy = either(
  scalar('null'),
  record({
    endpoint_mode: text,
    labels: keyValues,
    mode: text,
    placement: record({
      constraints: listOf(text),
      max_replicas_per_node: integer,
      preferences: listOf(record({ spread: text })),
    }),
    replicas: atLeast(0, 'integer', 'string'),
    resources: record({
      limits: record({ cpus: textOrNumber, memory: text, pids: integer }),
      reservations: record({
        cpus: textOrNumber,
        devices: listOf(record(deviceRequest, ['capabilities'])),
        generic_resources: genericResources,
        memory: text,
      }),
    }),
    restart_policy: record({ condition: text, delay: text, max_attempts: integer, window: text }),
    rollback_config: updateConfig,
    update_config: updateConfig,
  }),
)

export const develop = either(
  scalar('null'),
  record({
    watch: listOf(
      record(
        {
          action: oneOf('rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'),
          exec: record({ command, environment: keyValues, privileged: flag, user: text, working_dir: text }),
          ignore: stringOrList,
          include: stringOrList,
          initial_sync: scalar('boolean'),
          path: text,
          target: text,
        },
        ['path', 'action'],
      ),
    ),
  }),
)

export const ports = listOf(
  either(
    textOrNumber,
    record({
      app_protocol: text,
      host_ip: text,
      mode: text,
      name: text,
      protocol: text,
      published: scalar('string', 'integer'),
      target: integer,
    }),
  ),
)

export const volumes = listOf(
  either(
    text,
    record(
      {
        bind: record({
          create_host_path: flag,
          propagation: text,
          recursive: oneOf('enabled', 'disabled', 'writable', 'readonly'),
          selinux: oneOf('z', 'Z'),
        }),
        consistency: text,
        image: record({ subpath: text }),
        read_only: flag,
        source: text,
        target: text,
        tmpfs: record({ mode: textOrNumber, size: atLeast(0, 'integer', 'string') }),
        type: oneOf('bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'),
        volume: record({ labels: keyValues, nocopy: flag, subpath: text }),
      },
      ['type'],
    ),
  ),
)

export const networks = either(
  stringList,
  dictionary(
    either(
      scalar('null'),
      record({
        aliases: stringList,
        driver_opts: dictionary(textOrNumber),
        gw_priority: number,
        interface_name: text,
        ipv4_address: text,
        ipv6_address: text,
        link_local_ips: stringList,
        mac_address: text,
        priority: number,
      }),
    ),
    NAME,
  ),
)

const limits = listOf(record({ path: text, rate: scalar('integer', 'string') }))

export const blkio = record({
  device_read_bps: limits,
  device_read_iops: limits,
  device_write_bps: limits,
  device_write_iops: limits,
  weight: integer,
  weight_device: listOf(record({ path: text, weight: integer })),
})

export const devices = listOf(either(text, record({ permissions: text, source: text, target: text }, ['source'])))

const hook = { command, environment: keyValues, privileged: flag, user: text, working_dir: text }

export const hooks = listOf(record(hook, ['command']))

export const startHooks = listOf(record({ ...hook, image: text, per_replica: flag }))

export const envFile = either(
  text,
  listOf(either(text, record({ format: text, path: text, required: flag }, ['path']))),
)

export const models = either(
  stringList,
  dictionary(either(scalar('null'), record({ endpoint_var: text, model_var: text }))),
)

export const provider = record(
  {
    options: dictionary(either(scalar('string', 'number', 'boolean'), listOf(scalar('string', 'number', 'boolean')))),
    type: text,
  },
  ['type'],
)

export const logging = record({ driver: text, options: dictionary(scalar('null', 'number', 'string')) })

export const include = listOf(
  either(text, record({ env_file: stringOrList, path: stringOrList, project_directory: text })),
)
