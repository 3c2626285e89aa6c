import type { Options } from '../../cli/index.ts'
import { errorMessage } from '../../core/errors.ts'
import type { EmbeddedEngine } from '../../runtime/index.ts'
import type { DaemonLog } from '../logger.ts'
import { daemonOptions } from './daemon-options.ts'
import { registrySettings } from './engine-flags.ts'

/**
 * Takes over what of the configuration file may change while an engine serves, as dockerd does on SIGHUP: labels, registries
 * and debug. A file that cannot be used changes nothing, and is told in the log.
 */
export async function reload(flags: Options, engine: Pick<EmbeddedEngine, 'reload'>, log: DaemonLog): Promise<void> {
  try {
    const options = await daemonOptions(flags)
    const settings = registrySettings(options)
    const debug = options.flag('debug')
    log.level = debug ? 'debug' : (options.text('logLevel') ?? 'info')
    engine.reload({ ...settings, ...(debug ? { debug } : {}) })
    log.info({ ...settings, debug }, 'took the configuration over')
  } catch (error) {
    log.error({ error: errorMessage(error) }, 'cannot take the configuration over: all stays as it was')
  }
}
