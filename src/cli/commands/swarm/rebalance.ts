import { EXIT_CODES, invalidInput } from '../../../core/errors.ts'
import type { Rebalance } from '../../../core/model/control-api.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { renderTable } from '../../output/table.ts'
import { withManager } from './node-api.ts'

type Move = Rebalance['moves'][number]

const MOVES_DEFAULT = 10

const COLUMNS = [
  { title: 'TASK', of: (move: Move) => move.name },
  { title: 'FROM', of: (move: Move) => move.from },
  { title: 'TO', of: (move: Move) => move.to },
]

/** `swarm rebalance`: the moves as a table on stdout. */
export async function runRebalance(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const text = options.text('maxMoves') ?? String(MOVES_DEFAULT)
  if (!/^\d{1,4}$/.test(text)) throw invalidInput('BAD_BUDGET', `invalid --max-moves "${text}": say a number`)
  const dryRun = options.flag('plan')
  const { moves } = (await withManager(invocation, context, api =>
    api.call('POST', '/v1/rebalance', { moves: Number(text), dryRun }),
  )) as Rebalance
  if (moves.length === 0) context.stderr.write('No move would make the cluster more even\n')
  else context.stdout.write(renderTable(COLUMNS, moves))
  if (moves.length > 0 && !dryRun) context.stderr.write('Each task leaves once its successor is well\n')
  return EXIT_CODES.done
}
