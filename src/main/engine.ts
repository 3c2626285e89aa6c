import { once } from 'node:events'
import { hostname } from 'node:os'
import type { CommandContext, Options, RunCommand } from '../cli/index.ts'
import { EXIT_CODES, ShoalError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { Scope } from '../core/scope.ts'
import { checkExposure, createDockerServer, parseListenAddress } from '../docker-api/server/index.ts'
import { createEngine } from '../runtime/index.ts'
import { type EngineSettings, engineSettings } from './daemon/engine-flags.ts'
import { markProcess } from './daemon/mark-process.ts'
import { reloadOnHangUp } from './daemon/reload.ts'
import { groupNumber } from './daemon/socket-group.ts'
import { spareMemory } from './daemon/spare-memory.ts'
import { createLogger } from './logger.ts'
import { loadTls } from './tls-flags.ts'

/** `shoal engine`: serves until it is told to end; its containers keep running for the next engine on its roots. */
export const runEngine: RunCommand = async ({ options: flags }, context) => {
  const { options, settings } = await engineSettings(flags, { hostname: hostname(), socket: 'engine.sock' })
  const log = createLogger(settings.logLevel)
  const insecure = options.flag('insecure')
  // Now, not when it listens: before then it would have opened its networks.
  const listening = await listenOptions(settings, insecure)
  if (flags.flag('validate')) {
    context.stdout.write('configuration OK\n')
    return EXIT_CODES.done
  }
  if (process.getuid?.() !== 0) {
    throw new ShoalError('NOT_ROOT', 403, 'Cannot run containers: an engine needs root; start it with sudo')
  }
  await serve(settings, { flags, log, listening }, context)
  return EXIT_CODES.done
}

async function listenOptions({ hosts, tls, group }: EngineSettings, insecure: boolean) {
  for (const host of hosts) checkExposure(parseListenAddress(host), { isSecure: tls !== undefined, insecure })
  return {
    hosts,
    insecure,
    ...(tls === undefined ? {} : { tls: await loadTls(tls) }),
    ...(group === undefined ? {} : { socketGroup: await groupNumber(group) }),
  }
}

interface Serving {
  readonly flags: Options
  readonly log: Log
  readonly listening: Awaited<ReturnType<typeof listenOptions>>
}

async function serve(
  settings: EngineSettings,
  { flags, log, listening }: Serving,
  { clock, random, signal }: CommandContext,
): Promise<void> {
  await using scope = new Scope()
  await markProcess(settings, scope)
  spareMemory(scope, clock)
  const engine = await scope.open(
    () => createEngine(settings.engine, { clock, random, log }),
    engine => engine.close(),
  )
  const server = await scope.open(
    () => createDockerServer({ engine, log, clock }),
    server => server.close(),
  )
  reloadOnHangUp(flags, { engine, log, isDebug: settings.engine.debug === true }, scope)
  const hosts = await server.listen(listening)
  log.info({ hosts, dataRoot: settings.engine.dataRoot, name: settings.engine.name }, 'engine serves')
  if (!signal.aborted) await once(signal, 'abort')
  log.info({}, 'engine ends; containers keep running')
}
