import { invalidInput } from '../../core/errors.ts'
import type { CommandDefinition, CommandGroup, RunCommand } from '../command.ts'
import { ASK, hasNames, kindsOf } from './typed-words.ts'

/** Prints what a shell must know to complete our command lines. Made from the commands themselves. */
export function printScript(root: CommandGroup): RunCommand {
  return async ({ args: [shell = ''] }, { stdout }) => void stdout.write(completionScript(shell, root))
}

/** Throws BAD_FLAG for a shell that is not known. */
function completionScript(shell: string, root: CommandGroup): string {
  const make = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (make === undefined) throw invalidInput('BAD_FLAG', `Cannot complete for the shell "${shell}": bash, zsh or fish`)
  return make(root.name, wordsOf(root, root.name))
}

/** What may stand behind a command: its subcommands and flags. */
interface Words {
  /** `shoal network create`. */
  readonly path: string
  readonly words: readonly string[]
  /** There are names of what may follow, which must be asked for. */
  readonly asks: boolean
}

function wordsOf(definition: CommandDefinition, path: string): readonly Words[] {
  const flags = (definition.options ?? [])
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ flags: text }) => [...text.matchAll(/(?:^|\s)(--?[\w-]+)/g)].map(([, flag = '']) => flag))
  const commands = 'commands' in definition ? definition.commands.filter(command => !isHidden(command)) : []
  const words = [...commands.map(({ name }) => name), ...flags, '--help']
  const own = { path, words, asks: kindsOf(definition).some(hasNames) }
  const below = commands.flatMap(command =>
    [command.name, ...(command.aliases ?? [])].flatMap(name => wordsOf(command, `${path} ${name}`)),
  )
  return [own, ...below]
}

function isHidden(command: CommandDefinition): boolean {
  return 'load' in command && command.hidden === true
}

const SCRIPTS: Readonly<Record<string, (program: string, all: readonly Words[]) => string>> = { bash, zsh, fish }

/**
 * Follows the words that name commands, and offers what may stand behind the last one: flags and commands, or names, which we
 * are asked for; else files. Words are compared here and not by `compgen -W`, which runs what stands in them.
 */
function bash(program: string, all: readonly Words[]): string {
  const name = `_${program}_complete`
  const cases = all.map(
    ({ path, words }) => `    '${path}') printf '%s\\n' ${words.map(word => `'${word}'`).join(' ')} ;;`,
  )
  // Not `path`: in zsh that is PATH.
  return `${name}_words() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
${name}_asks() {
  case "$1" in
    ${patternOf(all, '|')}) return 0 ;;
  esac
  return 1
}
${name}() {
  local command=${program} index=1 current="\${COMP_WORDS[$COMP_CWORD]}" words word
  while [ "$index" -lt "$COMP_CWORD" ]; do
    if ${name}_words "$command \${COMP_WORDS[$index]}" > /dev/null; then command="$command \${COMP_WORDS[$index]}"; fi
    index=$((index + 1))
  done
  words=$(${name}_words "$command")
  if [[ "$current" != -* ]] && ${name}_asks "$command"; then
    words="$words"$'\\n'"$("\${COMP_WORDS[0]}" ${ASK} -- "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}" 2> /dev/null)"
  fi
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ -n "$word" && "$word" == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done <<< "$words"
}
complete -o default -F ${name} ${program}
`
}

/** As the pattern of a `case`; one that matches nothing if nobody is asked. */
function patternOf(all: readonly Words[], separator: string): string {
  return all.flatMap(({ path, asks }) => (asks ? [`'${path}'`] : [])).join(separator) || "''"
}

/** By its own way of doing what bash does. */
function zsh(program: string, all: readonly Words[]): string {
  return `autoload -Uz compinit bashcompinit
whence compdef > /dev/null || compinit
bashcompinit
${bash(program, all)}`
}

function fish(program: string, all: readonly Words[]): string {
  const name = `__${program}_complete`
  const cases = all.map(({ path, words }) => `    case '${path}'\n      string split ' ' -- '${words.join(' ')}'`)
  return `function ${name}_words
  switch "$argv"
${cases.join('\n')}
    case '*'
      return 1
  end
end
function ${name}_asks
  switch "$argv"
    case ${patternOf(all, ' ')}
      return 0
  end
  return 1
end
function ${name}
  set -l path ${program}
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    if ${name}_words "$path $word" > /dev/null
      set path "$path $word"
    end
  end
  ${name}_words "$path"
  if ${name}_asks "$path"; and not string match -q -- '-*' (commandline -ct)
    $typed[1] ${ASK} -- $typed[2..-1] 2> /dev/null
  end
end
complete -c ${program} -a '(${name})'
`
}
