import { serviceReference } from '../normalise.ts'
import type { Problem } from '../problem.ts'
import { asList, asText, asTree, isTree, type Path, type Tree, valueAt } from '../tree.ts'

/** One thing that can be wrong with a service, given the whole model. */
type Check = (service: Tree, name: string, model: Tree) => readonly Complaint[]

interface Complaint {
  /** Below the service. */
  readonly path: Path
  readonly message: string
}

const checkSource: Check = (service, name) =>
  asText(service['image']) === '' && service['build'] === undefined && service['provider'] === undefined
    ? [{ path: [], message: `service "${name}" has neither an image nor a build context specified` }]
    : []

const checkReferences: Check = (service, name, model) => {
  const undefinedIn = (section: string, key: string): boolean => !Object.hasOwn(asTree(model[section]), key)
  const complain = (kind: string, key: string, path: Path): Complaint => ({
    path,
    message: `service "${name}" refers to undefined ${kind} ${key}`,
  })
  const files = (key: 'secrets' | 'configs', kind: string, list: unknown, path: Path): readonly Complaint[] =>
    asList(list).flatMap((entry, index) => {
      const source = asText(asTree(entry)['source'])
      return undefinedIn(key, source) ? [complain(kind, source, [...path, String(index)])] : []
    })
  return [
    ...Object.keys(asTree(service['networks']))
      .filter(key => key !== 'default' && undefinedIn('networks', key))
      .map(key => complain('network', key, ['networks', key])),
    ...asList(service['volumes']).flatMap((volume, index) => {
      const { type, source } = asTree(volume)
      const unknown = type === 'volume' && typeof source === 'string' && source !== '' && undefinedIn('volumes', source)
      return unknown ? [complain('volume', source, ['volumes', String(index)])] : []
    }),
    ...files('secrets', 'secret', service['secrets'], ['secrets']),
    ...files('configs', 'config', service['configs'], ['configs']),
    ...files('secrets', 'build secret', asTree(service['build'])['secrets'], ['build', 'secrets']),
    ...Object.keys(asTree(service['models']))
      .filter(key => undefinedIn('models', key))
      .map(key => complain('model', key, ['models', key])),
  ]
}

const checkDependencies: Check = (service, name, model) => {
  const services = asTree(model['services'])
  const missing = Object.entries(asTree(service['depends_on'])).filter(
    ([other, dependency]) => asTree(dependency)['required'] !== false && !Object.hasOwn(services, other),
  )
  return missing.map(([other]) => ({
    path: ['depends_on', other],
    message: `service "${name}" depends on undefined service "${other}"`,
  }))
}

const checkNetworkMode: Check = (service, name, model) => {
  const mode = service['network_mode']
  if (mode === undefined) return []
  if (Object.keys(asTree(service['networks'])).length > 0) {
    return [
      {
        path: ['network_mode'],
        message: `service "${name}" declares mutually exclusive \`network_mode\` and \`networks\``,
      },
    ]
  }
  const other = serviceReference(mode)
  return other !== undefined && !Object.hasOwn(asTree(model['services']), other)
    ? [{ path: ['network_mode'], message: `service "${name}" uses the network of undefined service "${other}"` }]
    : []
}

const checkBuild: Check = (service, name, model) => {
  const build = service['build']
  if (!isTree(build)) return []
  const complaints: Complaint[] = []
  if (build['dockerfile'] !== undefined && build['dockerfile_inline'] !== undefined) {
    const message = `service "${name}" declares mutually exclusive dockerfile and dockerfile_inline`
    complaints.push({ path: ['build', 'dockerfile_inline'], message })
  }
  const platforms = asList(build['platforms'])
  if (service['platform'] !== undefined && platforms.length > 0 && !platforms.includes(service['platform'])) {
    const message = `service "${name}": build.platforms MUST include service.platform "${asText(service['platform'])}"`
    complaints.push({ path: ['build', 'platforms'], message })
  }
  for (const [key, context] of Object.entries(asTree(build['additional_contexts']))) {
    const other = serviceReference(context)
    if (other === undefined) continue
    const target = asTree(model['services'])[other]
    const path: Path = ['build', 'additional_contexts', key]
    if (target === undefined) {
      complaints.push({ path, message: `service "${name}" has unknown service "${other}" in additional_contexts` })
    } else if (asTree(target)['build'] === undefined) {
      complaints.push({ path, message: `service "${name}" needs service "${other}" to have a build section` })
    }
  }
  return complaints
}

/** Attributes that can be written in two places, which then must agree. */
const TWINS: readonly (readonly [own: string, deployed: string])[] = [
  ['scale', 'replicas'],
  ['cpus', 'resources.limits.cpus'],
  ['mem_limit', 'resources.limits.memory'],
  ['mem_reservation', 'resources.reservations.memory'],
  ['pids_limit', 'resources.limits.pids'],
]

const checkTwins: Check = (service, name) =>
  TWINS.flatMap(([own, deployed]) => {
    const first = service[own]
    const second = valueAt(service['deploy'], deployed.split('.'))
    if (first === undefined || second === undefined || asText(first) === asText(second)) return []
    return [
      { path: [own], message: `services.${name}: can't set distinct values on '${own}' and 'deploy.${deployed}'` },
    ]
  })

const checkContainerName: Check = (service, name) => {
  const replicas = replicasOf(service)
  if (service['container_name'] === undefined || replicas <= 1) return []
  const message = `services.${name}: can't set container_name and ${replicas} replicas: a container name must be unique`
  return [{ path: ['container_name'], message }]
}

const checkHealth: Check = (service, name) => {
  const test = asTree(service['healthcheck'])['test']
  const [first] = asList(test)
  return first === undefined || ['NONE', 'CMD', 'CMD-SHELL'].includes(asText(first))
    ? []
    : [
        {
          path: ['healthcheck', 'test'],
          message: `services.${name}.healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"`,
        },
      ]
}

const checkMounts: Check = (service, name) => {
  const seen = new Map<string, string>()
  const taken = (target: string, where: string): string | undefined => {
    const other = seen.get(target)
    seen.set(target, other ?? where)
    return other === undefined ? undefined : `${where}: target ${target} already mounted as ${other}`
  }
  const temporary = asList(service['tmpfs']).flatMap((mount, index) => {
    const message = taken(asText(mount).split(':')[0] ?? '', `services.${name}.tmpfs.${index}`)
    return message === undefined ? [] : [{ path: ['tmpfs', String(index)], message }]
  })
  const mounted = asList(service['volumes']).flatMap((volume, index) => {
    const { type, source, target } = asTree(volume)
    const path: Path = ['volumes', String(index)]
    const where = `services.${name}.volumes.${index}`
    if (type === 'bind' && asText(source) === '') {
      return [{ path, message: `${where}: invalid mount config for type "bind": field Source must not be empty` }]
    }
    if (asText(target) === '') return [{ path, message: `${where}: field target must not be empty` }]
    const message = taken(asText(target), where)
    return message === undefined ? [] : [{ path, message }]
  })
  return [...temporary, ...mounted]
}

const checkDevices: Check = (service, name) =>
  asList(service['devices']).flatMap((device, index) =>
    asText(asTree(device)['target']) === ''
      ? [
          {
            path: ['devices', String(index)],
            message: `services.${name}.devices.${index}: service device is missing a mount target`,
          },
        ]
      : [],
  )

const checkWatch: Check = (service, name) =>
  asList(asTree(service['develop'])['watch']).flatMap((rule, index) => {
    const { path, target, action } = asTree(rule)
    const where = `services.${name}.develop.watch.${index}`
    const complain = (message: string): readonly Complaint[] => [{ path: ['develop', 'watch', String(index)], message }]
    if (asText(path) === '') return complain(`${where}.path: value can't be blank`)
    if (asText(target) !== '' || action === 'rebuild' || action === 'restart') return []
    return complain(`${where}: target is required for the action ${asText(action)}: the path in the container`)
  })

const CHECKS: readonly Check[] = [
  checkSource,
  checkReferences,
  checkDependencies,
  checkNetworkMode,
  checkBuild,
  checkTwins,
  checkContainerName,
  checkHealth,
  checkMounts,
  checkDevices,
  checkWatch,
]

/** Everything that is wrong with the enabled services, and with how they fit together. */
export function checkServices(model: Tree): readonly Problem[] {
  const services = Object.entries(asTree(model['services']))
  const own = services.flatMap(([name, service]) =>
    CHECKS.flatMap(check =>
      check(asTree(service), name, model).map(({ path, message }) => ({ message, path: ['services', name, ...path] })),
    ),
  )
  return [...own, ...duplicateNames(services)]
}

function duplicateNames(services: readonly (readonly [string, unknown])[]): readonly Problem[] {
  const owners = new Map<string, string>()
  return services.flatMap(([name, service]) => {
    const containerName = asTree(service)['container_name']
    if (typeof containerName !== 'string') return []
    const owner = owners.get(containerName)
    owners.set(containerName, owner ?? name)
    if (owner === undefined) return []
    const message = `services.${name}: container name "${containerName}" is already in use by service "${owner}"`
    return [{ message, path: ['services', name, 'container_name'] }]
  })
}

/** How many containers a service asks for: `deploy.replicas`, `scale`, or one. */
export function replicasOf(service: Tree): number {
  const replicas = asTree(service['deploy'])['replicas'] ?? service['scale'] ?? 1
  return Number(replicas)
}
