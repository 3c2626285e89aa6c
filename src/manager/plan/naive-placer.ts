import { isTerminal } from '../../core/model/task.ts'
import type { MakePlacer } from '../decide.ts'
import { namedVolumes } from './task-facts.ts'

/** Fewest tasks first, nothing else asked. */
export const naivePlacer: MakePlacer = (snapshot, nodes) => {
  const load = new Map<string, number>()
  for (const { name, presence, record } of nodes.values()) {
    if (presence === 'ready' && record.availability === 'active') load.set(name, 0)
  }
  for (const { value } of snapshot.tasks.values()) {
    const state = snapshot.status.get(value.id)?.value.state
    if (value.node === undefined || !load.has(value.node) || (state !== undefined && isTerminal(state))) continue
    load.set(value.node, (load.get(value.node) ?? 0) + 1)
  }
  return {
    place(task) {
      const pins = namedVolumes(task).flatMap(name => snapshot.volumes.get(name)?.value.node ?? [])
      const fit = [...load].filter(([node]) => pins.every(pin => pin === node))
      const best = fit.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))[0]
      if (best === undefined) return { placed: false, reasons: ['no node fits'] }
      load.set(best[0], best[1] + 1)
      return { placed: true, node: best[0], because: 'fewest tasks' }
    },
  }
}
