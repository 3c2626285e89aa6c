import { join } from 'node:path'
import {
  badFlag,
  type CommandContext,
  type Invocation,
  type RunCommand,
  readDiscoveryOptions,
  readDuration,
} from '../../cli/index.ts'
import { sleep, withDeadline } from '../../core/clock.ts'
import { conflict, errorMessage, failed, notFound } from '../../core/errors.ts'
import { isTerminal, taskContainerName } from '../../core/model/task.ts'
import {
  type ClusterKeys,
  clusterKeys,
  createEtcdStore,
  type EtcdOptions,
  parseDiscovery,
  type Store,
  taskCodec,
  taskStatusCodec,
} from '../../discovery/index.ts'
import { agentMemoryFile, endMembership } from '../../node-agent/index.ts'
import { lockHolder } from '../../runtime/linux/files/file-lock.ts'
import { LiveIdentity } from '../../trust/index.ts'
import {
  agentIdentityDirectory,
  forgetCluster,
  type Joined,
  memoryPath,
  readJoined,
  writeLeaveRequest,
} from '../agent/leave-request.ts'
import { DATA_ROOT } from '../daemon/daemon-flags.ts'
import { readStoreTls } from '../store-tls.ts'
import { askToLeave } from '../trust/ask-managers.ts'
import { readIdentity, type StoredIdentity } from '../trust/identity-files.ts'

const TIMEOUT_MS = 60_000
const STORE_MS = 5_000
const POLL_MS = 100

/**
 * `swarm leave`: takes this host out of its cluster. The agent that runs here does it and ends; without one only the membership
 * is ended. Refuses while tasks run here, unless forced.
 */
export const runLeave: RunCommand = async (invocation, context) => {
  const { options, args } = invocation
  if (args.length > 1)
    throw badFlag(`the \`leave\` command takes one argument at most. See '${invocation.command} --help'.`)
  const timeoutMs = readDuration(invocation, 'timeout', TIMEOUT_MS)
  const dataRoot = options.text('dataRoot') ?? DATA_ROOT
  const directory = join(dataRoot, 'agent')
  const joined = await whereJoined(directory, invocation)
  const identity = await readIdentity(agentIdentityDirectory(directory))
  const { store, keys } = openStore(joined, {
    clock: context.clock,
    tls: identity && new LiveIdentity(identity.credentials).own(),
    // It may be elsewhere by now than where this node once joined it.
    known: args.length === 0 ? identity?.membership.storeEndpoints : undefined,
  })
  try {
    if (!options.flag('force')) await refuseTasks(joined.name, store, keys)
    const pid = lockHolder(join(directory, 'lock'))
    if (options.flag('dryRun')) {
      context.stderr.write(`Would take ${joined.name} out of ${joined.discovery}\n`)
    } else if (pid === undefined) {
      await leaveWithoutAgent(directory, joined, { store, keys })
      if (identity !== undefined) await giveCertificateBack(identity, context)
      await forgetCluster(directory)
      context.stderr.write('No agent runs here: the membership was ended, and containers were left as they are\n')
    } else {
      await writeLeaveRequest(directory, { purge: options.flag('purge') })
      process.kill(Number(pid), 'SIGTERM')
      await agentEnd({ directory, pid, timeoutMs }, context)
    }
    context.stdout.write(`${joined.name}\n`)
  } finally {
    await store.close()
  }
}

async function whereJoined(directory: string, invocation: Invocation): Promise<Joined> {
  const joined = await readJoined(directory)
  if (joined === undefined) {
    throw notFound(
      'NOT_JOINED',
      `No node of ${directory} has joined a cluster: give the --data-root it was joined with`,
    )
  }
  const [discovery = joined.discovery] = invocation.args
  const given = readDiscoveryOptions(invocation)
  return { ...joined, discovery, discoveryOptions: Object.keys(given).length > 0 ? given : joined.discoveryOptions }
}

function openStore(
  { discovery, discoveryOptions }: Joined,
  {
    clock,
    tls: own,
    known,
  }: Pick<CommandContext, 'clock'> & {
    readonly tls: EtcdOptions['tls']
    readonly known: readonly string[] | undefined
  },
): { readonly store: Store; readonly keys: ClusterKeys } {
  const cluster = parseDiscovery(discovery)
  if (cluster.scheme !== 'etcd') throw badFlag(`Cannot leave ${discovery}: a node joins etcd://host:port/cluster`)
  const tls = readStoreTls(discoveryOptions) ?? own
  const endpoints = known ?? cluster.endpoints
  const store = createEtcdStore({ endpoints, clock, callTimeoutMs: STORE_MS, ...(tls === undefined ? {} : { tls }) })
  return { store, keys: clusterKeys(cluster.cluster) }
}

/** Throws 409 NODE_HAS_TASKS, or what keeps the store from saying. */
async function refuseTasks(name: string, store: Store, keys: ClusterKeys): Promise<void> {
  const [tasks, statuses] = await Promise.all([store.list(keys.tasksOf(name)), store.list(keys.statusOf(name, ''))])
  const ended = new Set(
    statuses.items
      .map(({ value }) => taskStatusCodec.decode(value))
      .flatMap(({ taskId, state }) => (isTerminal(state) ? [taskId] : [])),
  )
  const running = tasks.items.map(({ value }) => taskCodec.decode(value)).filter(({ id }) => !ended.has(id))
  if (running.length === 0) return
  const names = running.map(taskContainerName).sort().join(', ')
  throw conflict(
    'NODE_HAS_TASKS',
    `Node ${name} runs ${names}: move them away with swarm node drain --wait ${name} first, or say --force to have them started elsewhere once they are gone here`,
    { details: { refused: true } },
  )
}

async function leaveWithoutAgent(
  directory: string,
  { name }: Joined,
  ports: { readonly store: Store; readonly keys: ClusterKeys },
): Promise<void> {
  const memory = await agentMemoryFile(memoryPath(directory)).read()
  if (memory !== undefined) await endMembership({ name, memberId: memory.id }, ports)
}

async function giveCertificateBack(
  { credentials, membership }: StoredIdentity,
  context: CommandContext,
): Promise<void> {
  const { clock, signal, stderr } = context
  try {
    const tls = new LiveIdentity(credentials).dial({ role: 'manager' })
    await askToLeave({ managers: membership.managers, tls, clock, signal })
  } catch (error) {
    const { name } = credentials.subject
    stderr.write(`The certificate could not be given back (${errorMessage(error)}): run swarm cert revoke ${name}\n`)
  }
}

interface Ending {
  readonly directory: string
  readonly pid: string
  readonly timeoutMs: number
}

/** Waits until the agent is gone; it forgets the cluster last of all. */
async function agentEnd({ directory, pid, timeoutMs }: Ending, context: CommandContext): Promise<void> {
  const { clock, signal } = context
  const ended = async (end: AbortSignal): Promise<void> => {
    while (lockHolder(join(directory, 'lock')) === pid) await sleep(clock, POLL_MS, end)
  }
  const seconds = timeoutMs / 1_000
  await withDeadline(ended, timeoutMs, {
    clock,
    signal,
    onTimeout: () =>
      failed('TIMED_OUT', `The agent (pid ${pid}) has not ended within ${seconds} s; it goes on leaving`),
  })
  if ((await readJoined(directory)) === undefined) return
  throw failed('LEFT_TRACES', 'The agent could not remove all that it had here: see its log, and swarm leave again')
}
