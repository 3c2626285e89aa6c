import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { EXIT_CODES, errorMessage, failed, invalidInput } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { checkMachineName } from '../../../../machine/index.ts'
import { whyNot } from '../../../output/file-error.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import type { MachineCommand } from '../machine-command.ts'
import { createOne } from './create.ts'
import { readHostsFile } from './hosts-file.ts'
import type { Wanted } from './read-machine.ts'
import { createReporter, type Reporter } from './reporter.ts'

const PARALLEL = 8

/**
 * `machine apply -f hosts.yaml`: makes all machines of a file, or has them become what it says. Masters come first, one after another,
 * as the others join what they make. One that fails does not stop the others.
 */
export async function runApply(invoked: MachineCommand): Promise<number> {
  const { context, options } = invoked
  const command = options.flag('dryRun') ? { ...invoked, wouldBe: new Map() } : invoked
  const path = options.text('file')
  if (path === undefined) throw invalidInput('BAD_FLAG', 'Name the file: machine apply -f hosts.yaml')
  const parallel = options.number('parallel') ?? PARALLEL
  if (parallel < 1) throw invalidInput('BAD_FLAG', `invalid argument "${parallel}" for --parallel: expected 1 or more`)
  const wanted = readHostsFile(await readInput(path, command), path, context.env)
  for (const { name } of wanted) checkMachineName(name)
  const reporter = createReporter(options, context)
  const isMaster = ({ written }: Wanted): boolean => written.isSet('swarm-master')
  const masters = await mapParallel(wanted.filter(isMaster), 1, each => attempt(each, command, reporter))
  const others = await mapParallel(
    wanted.filter(each => !isMaster(each)),
    parallel,
    each => attempt(each, command, reporter),
  )
  reporter.end()
  const ended = [...masters, ...others]
  if (!options.flag('json')) context.stderr.write(`${options.flag('dryRun') ? sumOfDryRun(ended) : sumOf(ended)}\n`)
  return ended.find(({ code }) => code !== EXIT_CODES.done)?.code ?? EXIT_CODES.done
}

/** How it ended for one machine. */
interface Ended {
  readonly code: number
  /** Whether something was changed, or in a dry run would be. */
  readonly isChange: boolean
}

function sumOf(ended: readonly Ended[]): string {
  const well = ended.filter(({ code }) => code === EXIT_CODES.done)
  const changed = well.filter(({ isChange }) => isChange).length
  return `${well.length} of ${ended.length} machines are as they should be (${changed} changed)`
}

function sumOfDryRun(ended: readonly Ended[]): string {
  const well = ended.filter(({ code }) => code === EXIT_CODES.done)
  const changing = well.filter(({ isChange }) => isChange).length
  const told = [
    [changing, 'would be changed'],
    [well.length - changing, 'as it should be'],
    [ended.length - well.length, 'failed'],
  ] as const
  const parts = told.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return `${ended.length} ${ended.length === 1 ? 'machine' : 'machines'}: ${parts.join(', ')}; nothing was done`
}

async function attempt(wanted: Wanted, command: MachineCommand, reporter: Reporter): Promise<Ended> {
  let isChange = false
  const watching: Reporter = {
    ...reporter,
    conclude(conclusion) {
      isChange ||= conclusion.isChange === true
      reporter.conclude(conclusion)
    },
  }
  try {
    // A record that is made is a change, whatever is there already on its host.
    isChange = !(await command.store.has(wanted.name))
    const code = await createOne(wanted, command, watching)
    return { code, isChange }
  } catch (error) {
    command.context.signal.throwIfAborted()
    reporter.conclude({ machine: wanted.name, ok: false, message: `Failed: ${errorMessage(error)}` })
    return { code: exitCodeOfMachine(error), isChange }
  }
}

/** Throws NOT_READ. */
async function readInput(path: string, { context }: MachineCommand): Promise<string> {
  if (path === '-') return text(context.stdin)
  try {
    return await readFile(resolve(context.cwd, path), 'utf8')
  } catch (cause) {
    throw failed('NOT_READ', `Cannot read ${path}: ${whyNot(cause)}`)
  }
}
