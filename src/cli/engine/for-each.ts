import { EXIT_CODES, errorMessage, ShoalError } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { EngineCommand } from './engine-api.ts'
import { explained } from './engine-api.ts'

/** Docker's: so many requests of one command are under way at most. */
const AT_ONCE_MAX = 50

interface Manner {
  /** One after another: what is shown belongs together, or the order counts. */
  readonly inTurn?: boolean
  /** That something is not there is no failure (`rm -f`); whether it is told. */
  readonly mayBeGone?: 'told' | 'silent'
  /** Told in the end if some failed. */
  readonly conclude?: (failed: readonly string[]) => string
}

interface Outcome {
  readonly text?: string
  readonly error?: unknown
}

/**
 * Does something to each of the arguments, several at once, and prints for each, in their order, what it resolves with (nothing
 * if that is empty), or the argument itself. Failures are told one by one and do not stop the others; then the exit code is 1.
 */
export async function forEach(
  { args, context }: Pick<EngineCommand, 'args' | 'context'>,
  work: (reference: string) => Promise<string | void>,
  { inTurn = false, mayBeGone, conclude }: Manner = {},
): Promise<number> {
  const failures: string[] = []
  const outcomes = mapInOrder(args, inTurn ? 1 : AT_ONCE_MAX, reference => attempt(reference, work))
  for (const reference of args) {
    const { text = '', error } = await outcomes.next()
    if (text !== '') context.stdout.write(`${text}\n`)
    if (error === undefined) continue
    context.signal.throwIfAborted()
    const isGone = mayBeGone !== undefined && error instanceof ShoalError && error.status === 404
    if (mayBeGone !== 'silent' || !isGone) context.stderr.write(`${errorMessage(explained(error, ''))}\n`)
    if (!isGone) failures.push(reference)
  }
  if (failures.length === 0) return EXIT_CODES.done
  context.stderr.write(conclude?.(failures) ?? '')
  return EXIT_CODES.failed
}

async function attempt(reference: string, work: (reference: string) => Promise<string | void>): Promise<Outcome> {
  try {
    return { text: (await work(reference)) ?? reference }
  } catch (error) {
    return { error }
  }
}

/** Begins with all, so many at once, and gives what came of each in their order, as soon as it is there. */
function mapInOrder<R>(items: readonly string[], limit: number, work: (item: string) => Promise<R>) {
  const outcomes = items.map(() => Promise.withResolvers<R>())
  const all = mapParallel(items, limit, async (item, index) => outcomes[index]?.resolve(await work(item)))
  let at = 0
  return {
    next: async (): Promise<R> => {
      const outcome = outcomes[at++]
      if (outcome === undefined) throw new RangeError('More is asked for than was begun')
      return Promise.race([outcome.promise, all.then(() => outcome.promise)])
    },
  }
}
