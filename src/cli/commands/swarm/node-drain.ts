import { sleep } from '../../../core/clock.ts'
import { EXIT_CODES, failed } from '../../../core/errors.ts'
import type { NodeTaskView } from '../../../core/model/control-api.ts'
import { taskIdIn } from '../../../core/model/labels.ts'
import type { CommandContext } from '../../command.ts'
import { renderTable } from '../../output/table.ts'
import type { NodeApi } from './node-api.ts'

const POLL_MS = 500
/** A task that has no place may get one when others have moved: it is believed when it was said so often in a row. */
const SAID_MIN = 3

/** What has become of one task. */
interface Fate {
  readonly name: string
  readonly result: string
  readonly why: string
}

interface DrainPorts {
  readonly api: NodeApi
  readonly context: CommandContext
  readonly timeoutMs: number
}

/**
 * Waits until a node is empty of tasks, or until nothing more can leave it; tells what happens on stderr and the outcome as a
 * table on stdout. Resolves with the exit code: 3 if something stays. Throws TIMED_OUT.
 */
export async function followDrain(
  node: string,
  had: readonly NodeTaskView[],
  { api, context, timeoutMs }: DrainPorts,
): Promise<number> {
  const { clock, stderr, stdout, signal } = context
  const deadlineMs = clock.monotonicMs() + timeoutMs
  const told = new Map<string, string>()
  const seen = new Map(had.map(task => [task.id, task]))
  for (let still = 0; ; ) {
    const { placements } = await api.details(node)
    for (const task of placements) seen.set(task.id, task)
    const fates = fatesOf([...seen.values()], placements, node)
    for (const { name, result, why } of fates) {
      const line = `${name}: ${result}${why === '' ? '' : `: ${why}`}`
      if (told.get(name) !== line) stderr.write(`${line}\n`)
      told.set(name, line)
    }
    still = placements.every(isStuck) ? still + 1 : 0
    if (placements.length === 0 || still >= SAID_MIN) {
      stdout.write(renderTable(COLUMNS, fates))
      await tellOthers(node, { api, context })
      return placements.length === 0 ? EXIT_CODES.done : EXIT_CODES.refused
    }
    if (clock.monotonicMs() >= deadlineMs) {
      const left = placements.map(({ name }) => name).join(', ')
      throw failed('TIMED_OUT', `Node ${node} is not empty yet: ${left}; it goes on being drained without us`)
    }
    await sleep(clock, POLL_MS, signal)
  }
}

const COLUMNS = [
  { title: 'TASK', of: (fate: Fate) => fate.name },
  { title: 'RESULT', of: (fate: Fate) => fate.result },
  { title: 'REASON', of: (fate: Fate) => fate.why },
]

function isStuck({ successor, blockers = [] }: NodeTaskView): boolean {
  return successor === undefined && blockers.length > 0
}

/** Pure, for each task that was ever seen there. */
export function fatesOf(
  seen: readonly NodeTaskView[],
  placements: readonly NodeTaskView[],
  node: string,
): readonly Fate[] {
  return seen.map(before => {
    const now = placements.find(task => task.id === before.id)
    const { successor } = now ?? before
    if (now === undefined) {
      return {
        name: before.name,
        result: successor === undefined ? `left ${node}` : `moved to ${successor.node}`,
        why: '',
      }
    }
    if (successor !== undefined) {
      const health = successor.health === 'none' ? '' : `, ${successor.health}`
      return { name: now.name, result: `moving to ${successor.node}`, why: `${successor.state}${health}` }
    }
    return isStuck(now)
      ? { name: now.name, result: `stays on ${node}`, why: (now.blockers ?? []).join('; ') }
      : { name: now.name, result: 'waits', why: '' }
  })
}

interface Listed {
  readonly Names: readonly string[]
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** Containers of `docker run` belong to nobody who could start them elsewhere. */
async function tellOthers(node: string, { api, context }: Pick<DrainPorts, 'api' | 'context'>): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ node: [node] }))
  const containers = (await api.call('GET', `/containers/json?filters=${filters}`)) as readonly Listed[]
  const names = containers
    .filter(({ Labels }) => taskIdIn(Labels) === undefined)
    .map(({ Names }) => (Names[0] ?? '').replace(/^\//, ''))
  if (names.length === 0) return
  context.stderr.write(
    `Containers that were created one by one stay, and only those with a reschedule policy are started elsewhere once the node is down: ${names.join(', ')}\n`,
  )
}
