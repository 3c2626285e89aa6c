import { once } from 'node:events'
import { hostname } from 'node:os'
import type { CommandContext, RunCommand } from '../cli/index.ts'
import { EXIT_CODES, ShoalError } from '../core/errors.ts'
import { Scope } from '../core/scope.ts'
import { checkExposure, createDockerServer, parseListenAddress } from '../docker-api/server/index.ts'
import { createEngine } from '../runtime/index.ts'
import { type EngineSettings, readEngineFlags } from './engine-flags.ts'
import { createLogger } from './logger.ts'
import { holdPidFile } from './pid-file.ts'
import { loadTls } from './tls-flags.ts'

/** `shoal engine`: serves until it is told to end; its containers keep running for the next engine on its roots. */
export const runEngine: RunCommand = async ({ options }, context) => {
  const settings = readEngineFlags(options, { hostname: hostname(), socket: 'engine.sock' })
  if (process.getuid?.() !== 0) {
    throw new ShoalError('NOT_ROOT', 403, 'Cannot run containers: an engine needs root; start it with sudo')
  }
  const insecure = options.flag('insecure')
  // Now, not when it listens: before then it would have opened its networks.
  for (const host of settings.hosts) {
    checkExposure(parseListenAddress(host), { isSecure: settings.tls !== undefined, insecure })
  }
  await serve(settings, { insecure }, context)
  return EXIT_CODES.done
}

async function serve(
  settings: EngineSettings,
  { insecure }: { readonly insecure: boolean },
  { clock, random, signal }: CommandContext,
): Promise<void> {
  const log = createLogger(settings.logLevel)
  await using scope = new Scope()
  const { pidFile } = settings
  if (pidFile !== undefined) {
    await scope.open(
      () => holdPidFile(pidFile),
      held => held.release(),
    )
  }
  const engine = await scope.open(
    () => createEngine(settings.engine, { clock, random, log }),
    engine => engine.close(),
  )
  const server = await scope.open(
    () => createDockerServer({ engine, log, clock }),
    server => server.close(),
  )
  const hosts = await server.listen({
    hosts: settings.hosts,
    insecure,
    ...(settings.tls === undefined ? {} : { tls: await loadTls(settings.tls) }),
  })
  log.info({ hosts, dataRoot: settings.engine.dataRoot, name: settings.engine.name }, 'engine serves')
  if (!signal.aborted) await once(signal, 'abort')
  log.info({}, 'engine ends; containers keep running')
}
