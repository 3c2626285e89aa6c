import { isDeepStrictEqual } from 'node:util'
import { driverOf, type Machine, withoutSecrets } from '../../../../machine/index.ts'

/** A machine's record without its secrets, not even with signs that stand for them. */
export function openRecord(machine: Machine): Machine {
  const secret = new Set(driverOf(machine.driver).flags.flatMap(flag => (flag.secret === true ? [flag.name] : [])))
  const settings = Object.entries(withoutSecrets(machine).settings).filter(([name]) => !secret.has(name))
  return { ...machine, settings: Object.fromEntries(settings) }
}

/**
 * Whether what is brought is the machine that is here: in all that is no secret, and in the secrets that are brought. When it was made
 * counts for nothing, nor an id that is not brought: docker-machine's records have neither.
 */
export function isSameRecord(brought: Machine, here: Machine): boolean {
  const plain = (machine: Machine): object => ({ ...openRecord(machine), createdAtMs: 0, id: brought.id && machine.id })
  return (
    isDeepStrictEqual(plain(brought), plain(here)) &&
    Object.entries(brought.settings).every(([name, value]) => isDeepStrictEqual(value, here.settings[name]))
  )
}

/** Whether it is one machine, whatever has changed of it. docker-machine's records have no id: then it is the one at the same address. */
export function isSameMachine(brought: Machine, here: Machine): boolean {
  if (brought.id !== undefined) return brought.id === here.id
  const addressOf = (machine: Machine): string => driverOf(machine.driver).whereabouts(machine).address
  return brought.driver === here.driver && addressOf(brought) === addressOf(here)
}
