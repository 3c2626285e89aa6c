import { unsupported } from '../../../core/errors.ts'
import type { CommandLeaf } from '../../command.ts'

/** Docker compose's verbs that are not done, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  publish: 'compose files are not kept in registries; share the files, and push the images with `compose push`',
  bridge: 'there is nothing to convert for: several hosts are what `compose up` is made for',
  alpha: 'experimental commands are not followed; `compose config` and `compose watch` are commands of their own',
}

/** Commands that are known and refused, whatever follows them. */
export function refusedCommands(): readonly CommandLeaf[] {
  return Object.entries(REFUSED).map(([name, why]) => ({
    name,
    summary: why,
    args: '[argument...]',
    anyFlags: true,
    hidden: true,
    load: () =>
      Promise.resolve(() =>
        Promise.reject(unsupported('UNSUPPORTED_COMMAND', `"compose ${name}" is not supported: ${why}`)),
      ),
  }))
}
