import { familyOf } from '../hosts/os-table.ts'
import type { HostFacts } from './facts/host-facts.ts'
import { DOCKER_CONFIG } from './host-paths.ts'
import { SWITCH_BUNDLE, TAKE_BUNDLE_AWAY } from './scripts/bundle-scripts.ts'
import { RELOAD_DOCKER } from './scripts/docker-scripts.ts'
import { RESTORE_FILES } from './scripts/file-scripts.ts'
import { CLOSE_PORTS } from './scripts/network-scripts.ts'
import { REMOVE_PACKAGES } from './scripts/package-scripts.ts'
import { START_SERVICES, STOP_SERVICES } from './scripts/service-scripts.ts'
import type { StepWork, UndoNote } from './step.ts'

const UNDO_MS_MAX = 600_000

type UndoWork = Pick<StepWork, 'facts' | 'shell' | 'signal' | 'run'>

/** In which order changes are taken back: last first, and daemons start again once all they are started with is there. */
export function undoOrder(notes: readonly UndoNote[]): UndoNote[] {
  const isRestart = ({ undo }: UndoNote): boolean => undo === 'restart-services'
  return [...notes.filter(note => !isRestart(note)).toReversed(), ...notes.filter(isRestart)]
}

/** Takes one change back, and says what that was. Throws REMOTE_FAILED. */
export async function takeBack(note: UndoNote, { facts, shell, signal, run }: UndoWork): Promise<string> {
  const options = { timeoutMs: UNDO_MS_MAX, signal }
  switch (note.undo) {
    case 'remove-packages':
      await shell.do('remove packages', REMOVE_PACKAGES, removalWords(note, facts), options)
      return `removed ${note.packages.join(', ')}`
    case 'switch-bundle':
      if (note.to === undefined) await shell.do('take the bundle away', TAKE_BUNDLE_AWAY, [], options)
      else await shell.do('switch back', SWITCH_BUNDLE, [note.to], options)
      return note.to === undefined ? 'removed Shoal' : `switched back to ${note.to}`
    case 'restore-files':
      await shell.do('bring files back', RESTORE_FILES, [run, ...note.paths], options)
      if (note.paths.includes(DOCKER_CONFIG)) await shell.do('have Docker read it', RELOAD_DOCKER, [], options)
      return `brought back ${note.paths.join(', ')}`
    case 'close-ports':
      await shell.do('close ports', CLOSE_PORTS, [run], options)
      return `closed ${note.ports.join(', ')}`
    case 'stop-services':
      await shell.do('stop services', STOP_SERVICES, [facts.init, ...note.services], options)
      return `stopped ${note.services.join(', ')}`
    case 'restart-services':
      await shell.do('start services again', START_SERVICES, [facts.init, ...note.services], options)
      return `started ${note.services.join(', ')} again`
  }
}

function removalWords(
  { database, words, packages }: Extract<UndoNote, { undo: 'remove-packages' }>,
  { os }: Pick<HostFacts, 'os'>,
): string[] {
  return [database ?? familyOf(os)?.database ?? '', String(words.length), ...words, ...packages]
}
