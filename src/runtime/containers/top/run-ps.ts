import type { Clock } from '../../../core/clock.ts'
import { errorMessage, failed, invalidInput, ShoalError } from '../../../core/errors.ts'
import { findProgram, runCommand } from '../../linux/process/run-command.ts'
import type { TopView } from './top-view.ts'

const TIMEOUT_MS = 10_000
/** A command line holds no more of them than this, by far. */
const PIDS_NAMED_MAX = 1_000

/**
 * What the host's `ps` with a client's arguments says of some processes. Throws PS_MISSING without that program, and 400
 * with its own words if it does not take the arguments.
 */
export async function runPs(psArgs: string, pids: readonly number[], clock: Clock): Promise<TopView> {
  const program = findProgram('ps')
  if (program === undefined) throw failed('PS_MISSING', 'Cannot run ps: install the package procps on this host')
  const args = psArgs.split(/\s+/).filter(word => word !== '')
  const ask = (more: readonly string[]): Promise<string> =>
    runCommand(program, [...args, ...more], { clock, timeoutMs: TIMEOUT_MS })
  try {
    return parsePs(await askForSome(ask, pids), pids)
  } catch (error) {
    throw psError(error)
  }
}

/** Naming the processes spares looking at all others, but not all arguments go with that. */
async function askForSome(ask: (more: readonly string[]) => Promise<string>, pids: readonly number[]): Promise<string> {
  if (pids.length === 0 || pids.length > PIDS_NAMED_MAX) return ask([])
  return ask([`-q${pids.join(',')}`]).catch(() => ask([]))
}

function psError(error: unknown): unknown {
  if (!(error instanceof ShoalError) || error.code !== 'COMMAND_FAILED') return error
  const { stderr } = error.details
  const lines = typeof stderr === 'string' ? stderr.split('\n') : []
  const line = lines.find(text => /error/i.test(text)) ?? errorMessage(error)
  return invalidInput('BAD_PS_ARGS', `ps: ${line.trim()}`)
}

/** Picks the rows of the wanted processes; the last column may hold spaces. Throws 400 if there is no column of pids. */
export function parsePs(output: string, pids: readonly number[]): TopView {
  const [head = '', ...lines] = output.split('\n').filter(line => line.trim() !== '')
  const Titles = head.trim().split(/\s+/)
  const at = Titles.indexOf('PID')
  if (at < 0) throw invalidInput('BAD_PS_ARGS', "Couldn't find PID field in ps output")
  const wanted = new Set(pids.map(String))
  const rows = lines.map(line => line.trim().split(/\s+/))
  return {
    Titles,
    Processes: rows
      .filter(row => wanted.has(row[at] ?? ''))
      .map(row => [...row.slice(0, Titles.length - 1), row.slice(Titles.length - 1).join(' ')]),
  }
}
