import { invalidInput } from '../../core/errors.ts'
import type { CommandDefinition, CommandGroup, OptionDefinition, RunCommand } from '../command.ts'
import { ASK, hasNames, kindsOf, valueFlags } from './typed-words.ts'

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
  /** Its flags, and those of the commands above it, that a value follows. */
  readonly valued: readonly string[]
}

function wordsOf(
  definition: CommandDefinition,
  path: string,
  above: readonly OptionDefinition[] = [],
): readonly Words[] {
  const options = [...above, ...(definition.options ?? [])]
  const flags = (definition.options ?? [])
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ flags: text }) => [...text.matchAll(/(?:^|\s)(--?[\w-]+)/g)].map(([, flag = '']) => flag))
  const commands = 'commands' in definition ? definition.commands.filter(command => !isHidden(command)) : []
  const words = [...commands.map(({ name }) => name), ...flags, '--help']
  const own = { path, words, asks: kindsOf(definition).some(hasNames), valued: valueFlags(options) }
  const below = commands.flatMap(command =>
    [command.name, ...(command.aliases ?? [])].flatMap(name => wordsOf(command, `${path} ${name}`, options)),
  )
  return [own, ...below]
}

function isHidden(command: CommandDefinition): boolean {
  return 'load' in command && command.hidden === true
}

const SCRIPTS: Readonly<Record<string, (program: string, all: readonly Words[]) => string>> = { bash, zsh, fish }

/**
 * Follows the words that name commands, and offers what may stand behind the last one: commands, or names, which we are asked for.
 * Flags are offered behind a dash, or where there is nothing else; files in all other places, as for the value of a flag.
 * Words are compared here and not by `compgen -W`, which runs what stands in them.
 */
function bash(program: string, all: readonly Words[]): string {
  const name = `_${program}_complete`
  const cases = all.map(
    ({ path, words }) => `    '${path}') printf '%s\\n' ${words.map(word => `'${word}'`).join(' ')} ;;`,
  )
  const valued = valuedBy(all).map(
    ({ flags, paths }) =>
      `    ${paths.map(path => `'${path}'`).join('|')}) case "$2" in ${flags.join('|')}) return 0 ;; esac ;;`,
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
${name}_valued() {
  case "$1" in
${valued.join('\n')}
  esac
  return 1
}
${name}() {
  local command=${program} index=1 current="\${COMP_WORDS[$COMP_CWORD]}" words= flags= word
  while [ "$index" -lt "$COMP_CWORD" ]; do
    word="\${COMP_WORDS[$index]}"
    if ${name}_valued "$command" "$word"; then index=$((index + 1))
    elif ${name}_words "$command $word" > /dev/null; then command="$command $word"; fi
    index=$((index + 1))
  done
  if [ "$index" -eq "$COMP_CWORD" ]; then
    while IFS= read -r word; do
      if [[ "$word" == -* ]]; then flags="$flags$word"$'\\n'; else words="$words$word"$'\\n'; fi
    done <<< "$(${name}_words "$command")"
  fi
  if [[ "$current" != -* ]] && ${name}_asks "$command"; then
    words="$words$("\${COMP_WORDS[0]}" ${ASK} -- "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}" 2> /dev/null)"
  fi
  if [[ "$current" == -* || -z "\${words//$'\\n'/}" ]]; then words="$flags"; fi
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ -n "$word" && "$word" == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done <<< "$words"
}
complete -o default -F ${name} ${program}
`
}

/** Most commands of a family have the same: each list is written once. */
function valuedBy(all: readonly Words[]): readonly { readonly flags: readonly string[]; readonly paths: string[] }[] {
  const groups = Map.groupBy(
    all.filter(({ valued }) => valued.length > 0),
    ({ valued }) => valued.join(' '),
  )
  return [...groups].map(([flags, same]) => ({ flags: flags.split(' '), paths: same.map(({ path }) => path) }))
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
  const valued = valuedBy(all).map(
    ({ flags, paths }) =>
      `    case ${paths.map(path => `'${path}'`).join(' ')}\n      contains -- "$argv[2]" ${flags.join(' ')}; and return 0`,
  )
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
function ${name}_valued
  switch "$argv[1]"
${valued.join('\n')}
  end
  return 1
end
function ${name}
  set -l path ${program}
  set -l typed (commandline -opc)
  set -l value no
  for word in $typed[2..-1]
    if test $value = yes
      set value no
    else if ${name}_valued "$path" "$word"
      set value yes
    else if ${name}_words "$path $word" > /dev/null
      set path "$path $word"
    end
  end
  if test $value = no
    if string match -q -- '-*' (commandline -ct)
      ${name}_words "$path" | string match -- '-*'
    else
      ${name}_words "$path" | string match -v -- '-*'
    end
  end
  if ${name}_asks "$path"; and not string match -q -- '-*' (commandline -ct)
    $typed[1] ${ASK} -- $typed[2..-1] 2> /dev/null
  end
end
complete -c ${program} -a '(${name})'
`
}
