import { invalidInput } from '../core/errors.ts'
import type { Options } from './command.ts'

/** Reads option values by type, from what the argument parser made of the command line. */
export function readOptions(values: Readonly<Record<string, unknown>>): Options {
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    flag: name => values[name] === true,
    choice(name) {
      const value = values[name]
      return typeof value === 'boolean' ? value : undefined
    },
    text,
    list(name) {
      const value = values[name]
      return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []
    },
    number(name) {
      const written = text(name)
      if (written === undefined) return undefined
      const value = Number(written)
      if (written === '' || !Number.isFinite(value) || value < 0) {
        throw invalidInput(
          'BAD_FLAG',
          `Cannot read --${kebab(name)} "${written}": expected a number that is not negative`,
        )
      }
      return value
    },
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
