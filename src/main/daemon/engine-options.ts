import type { OptionDefinition } from '../../cli/index.ts'
import { optionsOf } from './daemon-flag.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'

/** The options of whatever runs an engine. Apart from what reads them, which would load the whole engine with every command. */
export const ENGINE_FLAGS: readonly OptionDefinition[] = optionsOf(DAEMON_FLAGS)
