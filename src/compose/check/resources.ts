import type { Problem } from '../problem.ts'
import { asTree, type Path, type Tree } from '../tree.ts'

/** What is wrong with the top-level resources by themselves. */
export function checkResources(model: Tree): readonly Problem[] {
  return [
    ...each(model, 'volumes', checkVolume),
    ...each(model, 'configs', config => checkContent(config, ['file', 'environment', 'content'])),
    ...each(model, 'secrets', secret => checkContent(secret, ['file', 'environment'])),
  ]
}

function each(model: Tree, section: string, check: (resource: Tree) => readonly string[]): readonly Problem[] {
  return Object.entries(asTree(model[section])).flatMap(([name, resource]) => {
    const path: Path = [section, name]
    return check(asTree(resource)).map(message => ({ message: `${section}.${name}: ${message}`, path }))
  })
}

function checkVolume(volume: Tree): readonly string[] {
  if (volume['external'] !== true) return []
  return Object.keys(volume)
    .filter(key => key !== 'external' && key !== 'name' && !key.startsWith('x-'))
    .map(key => `conflicting parameters "external" and "${key}" specified`)
}

function checkContent(resource: Tree, sources: readonly string[]): readonly string[] {
  const given = sources.filter(key => resource[key] !== undefined)
  if (given.length > 1) return [`${sources.join('|')} attributes are mutually exclusive`]
  if (given.length === 1 || resource['external'] === true) return []
  const rest = resource['driver'] === undefined ? '' : ': a driver of secrets is not supported'
  return [`one of ${sources.join('|')} must be set${rest}`]
}
