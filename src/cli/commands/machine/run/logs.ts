import { LOG_FILES } from '../../../../machine/index.ts'
import { type MachineCommand, nameOf, namesOf } from '../machine-command.ts'
import { becomeRoot } from './become-root.ts'
import { type RunOnMachine, runOnAll } from './run-on-all.ts'

const LINES = '100'
/** What Shoal's services say, from the journal or from the files of a host without one. Its arguments: lines, and `-f` or nothing. */
const SCRIPT = `
if command -v journalctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  exec journalctl --no-pager -o short-iso -n "$1" \${2:+-f} -u 'shoal*' -u docker.service
fi
set -- "$1" "$2" ${LOG_FILES}
[ -e "$3" ] || { echo 'there is no log of Shoal on this host' >&2; exit 1; }
lines=$1 follow=$2
shift 2
exec tail -n "$lines" \${follow:+-F} "$@"
`

/** `machine logs`: what the services on machines say. */
export async function runLogs(command: MachineCommand): Promise<number> {
  const { options, store } = command
  const names = command.args.length === 0 ? [await nameOf(command)] : await namesOf(command)
  const lines = String(options.number('tail') ?? LINES)
  const words = [lines, options.flag('follow') ? '-f' : '']
  // Journals and files of services are root's.
  const read: RunOnMachine = async (machine, transport, running) =>
    (await becomeRoot(machine, transport, command)).run(SCRIPT, words, running)
  return runOnAll(await Promise.all(names.map(name => store.load(name))), read, command)
}
