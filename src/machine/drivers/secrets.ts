import type { Machine, Setting, Settings } from '../model/machine.ts'
import { DRIVERS } from './registry.ts'

/** What stands for a secret where it is shown. */
const HIDDEN = '(secret)'

/** A machine as it may be shown to anybody. */
export function withoutSecrets(machine: Machine): Machine {
  const { open, secret } = splitSettings(machine)
  const hidden = Object.keys(secret).map(name => [name, HIDDEN])
  return { ...machine, settings: { ...open, ...Object.fromEntries(hidden) } }
}

/** A machine's settings: those that anybody may read, and those that only its owner may. */
export function splitSettings({ driver, settings }: Pick<Machine, 'driver' | 'settings'>): {
  readonly open: Settings
  readonly secret: Settings
} {
  const flags = DRIVERS.find(({ name }) => name === driver)?.flags ?? []
  const secrets = new Set(flags.filter(flag => flag.secret === true).map(flag => flag.name))
  const pick = (isSecret: boolean): Record<string, Setting> =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => secrets.has(name) === isSecret))
  return { open: pick(false), secret: pick(true) }
}
