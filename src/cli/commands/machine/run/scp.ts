import { invalidInput } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { checkReachable, withSshConfig } from './reach.ts'

/** One end of a copy. */
interface End {
  /** As scp and rsync are told: `root@n1:/etc/motd`, `./a file`. */
  readonly word: string
  /** Undefined: this machine. */
  readonly machine?: string
}

/** `machine scp SRC DST`: files to, from and between machines, by the scp of this machine; with `-d` only what differs, by rsync. */
export async function runScp(command: MachineCommand): Promise<number> {
  const { args, context, options, store, world } = command
  const [source, target] = args.map(readEnd)
  if (source === undefined || target === undefined) throw invalidInput('BAD_FLAG', 'Name what to copy and where to')
  const names = new Set([source, target].flatMap(({ machine }) => machine ?? []))
  const machines: Machine[] = []
  for (const name of names) machines.push(await store.load(name))
  for (const machine of machines) await checkReachable(machine, command)
  if (options.flag('delta') && source.machine !== undefined && target.machine !== undefined) {
    throw invalidInput('BAD_FLAG', 'rsync (--delta) cannot copy from one machine to another: copy without it')
  }
  return withSshConfig(machines, command, file =>
    world.runProgram(copyWords({ source, target, file }, command), context),
  )
}

/** `machine:path`, `user@machine:path`, `localhost:path`, or a path of this machine. Throws BAD_FLAG. */
function readEnd(text: string): End {
  const [, user = '', machine, path = ''] = /^([^@/:]+@)?([a-zA-Z0-9][a-zA-Z0-9.-]*):(.*)$/s.exec(text) ?? []
  if (machine === undefined) return { word: localPath(text) }
  if (machine === 'localhost') return { word: localPath(path) }
  // It would be read as an option of ssh.
  if (user.startsWith('-')) throw invalidInput('BAD_FLAG', `Cannot copy "${text}": a user's name does not begin with -`)
  return { word: `${user}${machine}:${path}`, machine }
}

/** So that neither a colon makes it a machine nor a dash an option. */
function localPath(path: string): string {
  return path.startsWith('/') ? path : `./${path}`
}

interface Copy {
  readonly source: End
  readonly target: End
  readonly file: string
}

function copyWords({ source, target, file }: Copy, { options }: MachineCommand): readonly string[] {
  const given = (flag: string, word: string): readonly string[] => (options.flag(flag) ? [word] : [])
  if (options.flag('delta')) {
    const shell = `ssh -F ${file}`
    const loud = options.flag('quiet') ? ['-q'] : ['--progress']
    return ['rsync', '-e', shell, ...given('recursive', '-r'), ...loud, '--', source.word, target.word]
  }
  // Through this machine: the two need neither reach one another nor have keys of each other.
  return ['scp', '-F', file, '-3', ...given('recursive', '-r'), ...given('quiet', '-q'), '--', source.word, target.word]
}
