import { isList, isTree, mapValues, type Tree } from './tree.ts'

/** Fills in what compose means when nothing is written, where later phases need it: build contexts, mounts, hooks. */
export function withDefaults(model: Tree): Tree {
  if (!isTree(model['services'])) return model
  const services = mapValues(model['services'], service => (isTree(service) ? serviceDefaults(service) : service))
  return { ...model, services }
}

function serviceDefaults(service: Tree): Tree {
  const build = service['build']
  const volumes = service['volumes']
  const hooks = service['pre_start']
  return {
    ...service,
    ...(isTree(build) ? { build: buildDefaults(build) } : {}),
    ...(isList(volumes) ? { volumes: volumes.map(bindDefaults) } : {}),
    ...(isList(hooks) && service['image'] !== undefined
      ? { pre_start: hooks.map(hook => (isTree(hook) ? { image: service['image'], ...hook } : hook)) }
      : {}),
  }
}

function buildDefaults(build: Tree): Tree {
  return {
    ...build,
    context: build['context'] ?? '.',
    ...(build['dockerfile'] === undefined && build['dockerfile_inline'] === undefined
      ? { dockerfile: 'Dockerfile' }
      : {}),
  }
}

/** Whoever writes `bind` means a bind as the short syntax makes it. */
function bindDefaults(volume: unknown): unknown {
  if (!isTree(volume) || !isTree(volume['bind'])) return volume
  return { ...volume, bind: { create_host_path: true, ...volume['bind'] } }
}
