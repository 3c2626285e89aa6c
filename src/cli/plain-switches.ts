import type { CommandDefinition, OptionDefinition } from './command.ts'
import { commandCalled, takesNext } from './named-commands.ts'

const TRUE = ['true', 't', '1']
const FALSE = ['false', 'f', '0']

/**
 * Puts switches that are written with a value, as docker takes them, in the plain form: `--rm=true` is `--rm`, `--rm=false` is
 * left out, and `--sig-proxy=false` is `--no-sig-proxy`. Whatever belongs to a command behind the flags stays as it is.
 */
export function plainSwitches(argv: readonly string[], root: CommandDefinition): readonly string[] {
  const plain: string[] = []
  let at: CommandDefinition = root
  let options: readonly OptionDefinition[] = root.options ?? []
  for (let index = 0; index < argv.length; index++) {
    const token = argv[index] ?? ''
    if (token === '--') return [...plain, ...argv.slice(index)]
    if (token.startsWith('-') && token !== '-') {
      plain.push(...plainSwitch(token, options))
      if (takesNext(token, options)) plain.push(...argv.slice(++index, index + 1))
      continue
    }
    plain.push(token)
    if (!('commands' in at)) {
      if (at.passThrough === true) return [...plain, ...argv.slice(index + 1)]
      continue
    }
    const next = commandCalled(token, at)
    if (next === undefined) return [...plain, ...argv.slice(index + 1)]
    at = next
    options = [...options, ...(next.options ?? [])]
  }
  return plain
}

function plainSwitch(token: string, options: readonly OptionDefinition[]): readonly string[] {
  const [, name = '', value = ''] = /^--([\w-]+)=(.*)$/.exec(token) ?? []
  const isTrue = TRUE.includes(value.toLowerCase())
  if (name === '' || (!isTrue && !FALSE.includes(value.toLowerCase()))) return [token]
  const [canTurnOn, canTurnOff] = [name, `no-${name}`].map(each => options.some(({ flags }) => isSwitch(flags, each)))
  if (canTurnOn !== true && canTurnOff !== true) return [token]
  if (isTrue) return canTurnOn === true ? [`--${name}`] : []
  return canTurnOff === true ? [`--no-${name}`] : []
}

/** `-q, --quiet` is a switch of that name; `--rm [boolean]` and `--name <name>` are none. */
function isSwitch(flags: string, name: string): boolean {
  return new RegExp(`(^|\\s)--${name}$`).test(flags)
}
