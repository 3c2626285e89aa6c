import { PassThrough } from 'node:stream'
import type { CommandContext } from '../../../src/cli/index.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'

/** A world in which nothing was said yet, for whoever calls a command's parts by themselves. */
export function quietContext<T extends Partial<CommandContext>>(more: T): Omit<CommandContext, keyof T> & T {
  return {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    cwd: '/',
    clock: new ManualClock(),
    random: seededRandom(1),
    signal: new AbortController().signal,
    ...more,
  }
}
