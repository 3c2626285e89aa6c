import { driverOf, type Machine } from '../../../../machine/index.ts'

/** Words that are run as root there. What lets somebody in without a password names the shell, not each program. */
export function asRoot(machine: Machine, words: readonly string[]): readonly string[] {
  const user = driverOf(machine.driver).whereabouts(machine).ssh?.user ?? 'root'
  return user === 'root' ? words : ['sudo', '-n', '--', 'sh', '-c', 'exec "$@"', 'sh', ...words]
}
