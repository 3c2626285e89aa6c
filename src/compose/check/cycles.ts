import type { Problem } from '../problem.ts'
import { asTree, type Tree } from '../tree.ts'

/** A circle of dependencies, told from its alphabetically first service: `a -> b -> a`. */
export function checkCycles(services: Tree): readonly Problem[] {
  const cycle = findCycle(services)
  if (cycle === undefined) return []
  const [first = '', second = ''] = cycle
  return [
    {
      message: `dependency cycle detected: ${cycle.join(' -> ')}`,
      path: ['services', first, 'depends_on', second],
    },
  ]
}

function findCycle(services: Tree): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    const start = trail.indexOf(name)
    if (start >= 0) return [...trail.slice(start), name]
    if (done.has(name)) return undefined
    for (const next of dependenciesOf(services, name)) {
      const cycle = visit(next, [...trail, name])
      if (cycle !== undefined) return cycle
    }
    done.add(name)
    return undefined
  }
  for (const name of Object.keys(services).sort()) {
    const cycle = visit(name, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

function dependenciesOf(services: Tree, name: string): readonly string[] {
  return Object.keys(asTree(asTree(services[name])['depends_on'])).sort()
}

/** Services with their dependencies before them, otherwise by name. The services must be free of cycles. */
export function dependencyOrder(services: Tree): readonly string[] {
  const order: string[] = []
  const visit = (name: string): void => {
    if (order.includes(name) || !Object.hasOwn(services, name)) return
    for (const next of dependenciesOf(services, name)) visit(next)
    if (!order.includes(name)) order.push(name)
  }
  for (const name of Object.keys(services).sort()) visit(name)
  return order
}
