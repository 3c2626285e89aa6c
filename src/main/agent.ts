import type { CommandContext, RunCommand } from '../cli/index.ts'
import { type Clock, sleep, withDeadline } from '../core/clock.ts'
import { errorMessage, failed, unavailable } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { Scope } from '../core/scope.ts'
import type { Engine } from '../docker-api/index.ts'
import { createDockerServer } from '../docker-api/server/index.ts'
import { agentMemoryFile, createAgent, leaveCluster, waitForAnswer } from '../node-agent/index.ts'
import { unmount } from '../runtime/linux/mount.ts'
import { holdAgentDirectory } from './agent/agent-directory.ts'
import { followPeers, openNodeEngine, openStore, secretsIn, taskFiles } from './agent/agent-parts.ts'
import { type JoinSettings, readJoinSettings } from './agent/agent-settings.ts'
import { giveBack, keepTrust, serveTrusted } from './agent/agent-trust.ts'
import { forgetCluster, memoryPath, takeLeaveRequest, writeJoined } from './agent/leave-request.ts'
import { tellPace } from './daemon/host-pace.ts'
import { markProcess } from './daemon/mark-process.ts'
import { groupNumber } from './daemon/socket-group.ts'
import { spareMemory } from './daemon/spare-memory.ts'
import { memberTls } from './engine-pool.ts'
import { createLogger } from './logger.ts'
import { loadClientTls, loadTls } from './tls-flags.ts'

/**
 * `swarm join`: makes this host a node until it is told to stop. SIGTERM leaves containers running and lets the membership
 * expire by itself, so that a restart or an upgrade within its life goes unnoticed; unless `swarm leave` asked for more.
 */
export const runJoin: RunCommand = async (invocation, context) => {
  const scope = new Scope()
  await using _closing = scope
  const settings = await readJoinSettings(invocation, context, scope)
  const log = createLogger(settings.logLevel)
  const { ttlMs, heartbeatMs } = settings.join
  tellPace(settings.pace, { ttlMs, heartbeatMs }, log)
  await runNode(settings, { log, scope }, context)
}

async function runNode(
  settings: JoinSettings,
  { log, scope }: { readonly log: Log; readonly scope: Scope },
  { clock, random, signal }: CommandContext,
): Promise<void> {
  await markProcess(settings, scope)
  spareMemory(scope, clock)
  const { trust } = settings
  const directory = trust?.agentDirectory ?? holdAgentDirectory(settings.engine.dataRoot, scope)
  const { store, keys } = openStore(settings, { clock }, scope)
  const ports = { clock, random, log, store, keys }
  const { engine, served, restarts, overlay, startOverlay, followContainers } = await openNodeEngine(
    settings,
    ports,
    scope,
  )
  if (settings.isFound) await confirmFound(engine, settings, log)
  await serve(served, settings, { clock, log }, scope)
  const keeper = trust && keepTrust(trust, ports, scope)
  const { members, peers } = followPeers(settings.engine.name, {
    ...ports,
    engine,
    tlsOf: memberTls(trust?.identity, await loadClientTls(settings.tls)),
  })
  scope.defer(() => members.close())
  const memory = agentMemoryFile(memoryPath(directory))
  // Left by somebody who wanted an earlier agent to leave and did not live to see it end.
  await takeLeaveRequest(directory)
  const { discovery, discoveryOptions } = settings.join
  await writeJoined(directory, { name: settings.engine.name, discovery, discoveryOptions })
  const agent = createAgent(
    { ...settings.agent, overlay: settings.engineUrl === undefined },
    { ...ports, engine, restarts, overlay, peers, memory, files: taskFiles(settings, directory, ports) },
  )
  try {
    await sleep(clock, random.next() * settings.join.delayMs, signal)
    const waiting = { clock, log, isKnown: (await memory.read()) !== undefined }
    await firstAnswer({ whose: 'engine', ask: () => engine.version() }, waiting, signal)
    await firstAnswer({ whose: 'store', ask: () => store.get(keys.meta) }, waiting, signal)
    await startOverlay(signal)
    const end = AbortSignal.any([signal, scope.signal])
    await Promise.all([agent.run(signal), followContainers(end), keeper?.run(end)])
  } catch (error) {
    // Being told to stop is how a daemon ends well.
    if (!signal.aborted) throw error
  }
  const request = await takeLeaveRequest(directory)
  if (request === undefined) {
    return log.info({ node: settings.engine.name }, 'the agent ends; containers keep running')
  }
  const leaving = { name: settings.engine.name, memberId: (await memory.read())?.id ?? '', networks: request.purge }
  if (!(await leaveCluster(leaving, { ...ports, engine, overlay }))) {
    throw failed(
      'LEFT_TRACES',
      'This node left its cluster, but not all that it had there could be removed: see the log',
    )
  }
  unmount(secretsIn(settings))
  if (trust !== undefined) await giveBack(trust, ports)
  await forgetCluster(directory)
  log.info({ node: settings.engine.name }, 'this node has left its cluster')
}

/** An engine that ended while we took our place was perhaps our own predecessor's: nobody would serve at the address then. */
async function confirmFound(engine: Engine, { agent: { apiAddress } }: JoinSettings, log: Log): Promise<void> {
  try {
    const { Version } = await engine.version()
    log.info({ address: apiAddress, version: Version }, 'a Docker Engine answers there already: registers that one')
  } catch (cause) {
    throw unavailable('ENGINE_GONE', `The engine that answered at ${apiAddress} is gone: join again`, { cause })
  }
}

/** How long the store, or another engine, may be silent when a node joins for the first time. */
const FIRST_ANSWER_MS = 15_000

interface Asked {
  readonly whose: 'store' | 'engine'
  readonly ask: () => Promise<unknown>
}

/**
 * Waits for an answer: a node that was a member before has containers to look after and waits as long as it takes, a new
 * one has most likely been given a wrong address. Throws NO_STORE or NO_ENGINE.
 */
async function firstAnswer(
  { whose, ask }: Asked,
  { clock, log, isKnown }: { readonly clock: Clock; readonly log: Log; readonly isKnown: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (isKnown) return void (await waitForAnswer(whose, ask, { clock, log }, signal))
  let last = `The ${whose} does not answer`
  const asking = async (): Promise<void> => {
    try {
      await ask()
    } catch (error) {
      last = errorMessage(error)
      throw error
    }
  }
  await withDeadline(end => waitForAnswer(whose, asking, { clock, log }, end), FIRST_ANSWER_MS, {
    clock,
    signal,
    onTimeout: () => failed(`NO_${whose.toUpperCase()}`, `${last}; gave up after ${FIRST_ANSWER_MS / 1_000} s`),
  })
}

async function serve(
  engine: Engine,
  settings: JoinSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  scope: Scope,
): Promise<void> {
  const tls =
    settings.trust === undefined ? settings.tls && (await loadTls(settings.tls)) : serveTrusted(settings.trust, clock)
  const server = await createDockerServer({ engine, log })
  scope.defer(() => server.close())
  const hosts = await server.listen({
    hosts: settings.hosts,
    insecure: settings.insecure,
    ...(settings.group === undefined ? {} : { socketGroup: await groupNumber(settings.group) }),
    ...(tls === undefined ? {} : { tls }),
  })
  log.info({ hosts }, 'serving the Docker Engine API')
}
