import { badFlag, type Options } from '../../cli/index.ts'
import { findProgram } from '../../runtime/linux/process/run-command.ts'

const PROGRAMS = [
  { option: 'defaultRuntime', flag: 'default-runtime' },
  { option: 'initPath', flag: 'init-path' },
] as const

/** Looks for the programs that containers are to be run with: a missing one is better known before containers start. Throws BAD_FLAG. */
export function checkPrograms(options: Options): void {
  for (const { option, flag } of PROGRAMS) {
    const name = options.text(option)
    if (name === undefined || findProgram(name) !== undefined) continue
    throw badFlag(`Cannot use --${flag} "${name}": there is no such program; install it, or give its path`)
  }
}
