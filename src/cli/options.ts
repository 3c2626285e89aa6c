import type { OptionDefinition, Options } from './command.ts'
import { badArgument } from './usage.ts'

/** Reads option values by type, from what the argument parser made of the command line. */
export function readOptions(
  values: Readonly<Record<string, unknown>>,
  definitions: readonly OptionDefinition[] = [],
): Options {
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
        const long = `--${kebab(name)}`
        const known = definitions.find(({ flags }) => flags.split(/[ ,]+/).includes(long))
        throw badArgument(known?.flags ?? long, written, 'expected a number that is not negative')
      }
      return value
    },
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
