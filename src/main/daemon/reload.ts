import type { Options } from '../../cli/index.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Scope } from '../../core/scope.ts'
import type { EmbeddedEngine } from '../../runtime/index.ts'
import { daemonOptions } from './daemon-options.ts'
import { registrySettings } from './engine-flags.ts'

/** A log whose level may change, if it has one. */
type LevelledLog = Log & { level?: string }

interface Serving {
  readonly engine: Pick<EmbeddedEngine, 'reload'>
  readonly log: LevelledLog
  /** Whether it began with everything logged. */
  readonly isDebug: boolean
}

/**
 * Takes over what of the configuration file may change while an engine serves, as dockerd does on SIGHUP: labels, registries
 * and debug. A file that cannot be used changes nothing, and is told in the log.
 */
export function reloadOnHangUp(flags: Options, { engine, log, isDebug }: Serving, scope: Scope): void {
  let wasDebug = isDebug
  const reload = async (): Promise<void> => {
    const options = await daemonOptions(flags)
    const settings = registrySettings(options)
    const debug = options.flag('debug')
    if (debug !== wasDebug) log.level = debug ? 'debug' : (options.text('logLevel') ?? 'info')
    wasDebug = debug
    engine.reload({ ...settings, ...(debug ? { debug } : {}) })
    log.info({ ...settings, debug }, 'took the configuration over')
  }
  const onHangUp = (): void =>
    void reload().catch((error: unknown) => {
      log.error({ error: errorMessage(error) }, 'cannot take the configuration over: all stays as it was')
    })
  process.on('SIGHUP', onHangUp)
  scope.defer(() => void process.off('SIGHUP', onHangUp))
}
