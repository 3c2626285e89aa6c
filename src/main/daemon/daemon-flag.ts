import type { OptionDefinition } from '../../cli/index.ts'

/** How a flag's values are written on the command line, and in the configuration file. */
type Kind =
  /** `--bip 10.1.0.1/24`; a string in the file, or a number where `number` says so. */
  | 'text'
  | 'number'
  /** `--debug`, `--debug=false`; true or false in the file. */
  | 'switch'
  /** Repeatable; an array of strings in the file. */
  | 'list'
  /** Repeatable `key=value`; an object of strings in the file. */
  | 'pairs'
  /** Repeatable `name=soft:hard`; an object of `{Name, Soft, Hard}` in the file. */
  | 'ulimits'
  /** Repeatable `base=net,size=prefix`; an array of `{base, size}` in the file. */
  | 'pools'

/** A flag of an engine, as dockerd has it, and its key in the configuration file. */
export interface DaemonFlag {
  readonly name: string
  readonly short?: string
  /** How a value is called; switches have none. */
  readonly value?: string
  readonly kind: Kind
  readonly summary: string
  /** In the file, if it is called otherwise there. */
  readonly key?: string
  /** The only values that are taken. */
  readonly only?: readonly string[]
  /** What is said of other values, or of any if `only` is absent; the flag is known only to say so. */
  readonly refused?: string
}

const REPEATED: readonly Kind[] = ['list', 'pairs', 'ulimits', 'pools']

/** The table as options of a command. A switch is also known in its negative, which `--x=false` is read as. */
export function optionsOf(flags: readonly DaemonFlag[]): readonly OptionDefinition[] {
  return flags.flatMap(({ name, short, value, kind, summary, refused }): OptionDefinition[] => {
    const long = `${short === undefined ? '' : `-${short}, `}--${name}`
    // What may only be left as it is need not be offered.
    const described = summary === '' ? { summary: refused ?? '', hidden: true } : { summary }
    if (kind !== 'switch') {
      const isRepeated = REPEATED.includes(kind)
      return [{ flags: `${long} <${value ?? 'value'}>`, ...described, ...(isRepeated ? { repeatable: true } : {}) }]
    }
    return [
      { flags: long, ...described },
      { flags: `--no-${name}`, summary: `--${name}=false`, hidden: true },
    ]
  })
}

/** `default-ulimit` as options are asked for. */
export function optionName(name: string): string {
  return name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
}
