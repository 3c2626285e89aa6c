import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { isAbsolute, join } from 'node:path'
import { sleep, withDeadline } from '../../../core/clock.ts'
import { conflict, errorCode, errorMessage, invalidInput, notFound, unavailable } from '../../../core/errors.ts'
import { newShortId } from '../../../core/random.ts'
import { ENGINE_PORT } from '../../model/cluster-ports.ts'
import type { Machine, MachineState } from '../../model/machine.ts'
import type { Driver, DriverPorts, DriverWork, Whereabouts } from '../driver.ts'
import { badFlag, checkPort, numberOf, optionalTextOf, textOf } from '../settings.ts'
import { keepSshKey, md5Fingerprint, readSshKey } from '../ssh-key.ts'
import type { CloudApi, CloudDefinition, CloudServer } from './cloud-api.ts'

const KEY_FILE = 'id_ed25519'
/** Servers of clouds take up to some minutes to be there. */
const READY_MS_MAX = 600_000
/** Its services end; then the power is cut. */
const SHUTDOWN_MS_MAX = 90_000
const POLL_MS = 2_000

/** What is done for one machine. */
interface Job {
  readonly cloud: CloudDefinition
  readonly machine: Machine
  readonly api: CloudApi
  readonly ports: DriverPorts
  readonly signal: AbortSignal
}

/** A driver of a cloud: what is the same for all of them. */
export function cloudDriver(cloud: CloudDefinition): Driver {
  const withJob =
    (work: (job: Job) => Promise<void>): DriverWork =>
    (machine, ports, signal) =>
      work({ cloud, machine, ports, signal, api: cloud.connect(machine.settings, ports, signal) })
  return {
    name: cloud.name,
    summary: cloud.summary,
    flags: cloud.flags,
    check(settings) {
      const { keyId, keyPath, sshPort } = cloud.flagNames
      checkPort(settings, sshPort)
      if ((optionalTextOf(settings, keyId) === undefined) !== (optionalTextOf(settings, keyPath) === undefined)) {
        throw invalidInput(
          'BAD_FLAG',
          `--${keyId} and --${keyPath} go together: the key there, and the file of it here`,
        )
      }
      const path = optionalTextOf(settings, keyPath)
      if (path !== undefined && !isAbsolute(path))
        throw badFlag(keyPath, path, 'expected a path from the root: /home/me/key')
      cloud.check(settings)
    },
    precheck: withJob(async ({ api, machine }) => {
      await readUserData(cloud, machine)
      await api.checkNames()
    }),
    create: withJob(create),
    whereabouts: machine => whereaboutsOf(cloud, machine),
    async state(machine, ports, signal) {
      const id = optionalTextOf(machine.made ?? {}, 'server-id')
      if (id === undefined) return 'Error'
      const server = await cloud.connect(machine.settings, ports, signal).getServer(id)
      return server === undefined ? Promise.reject(gone(cloud, machine)) : server.state
    },
    start: withJob(async job => {
      await job.api.power(serverIdOf(job), 'on')
      await waitUntilReady(job, serverIdOf(job))
    }),
    stop: withJob(shutDown),
    kill: withJob(async job => {
      await job.api.power(serverIdOf(job), 'off')
      await waitFor(job, serverIdOf(job), 'Stopped')
    }),
    restart: withJob(async job => {
      await job.api.power(serverIdOf(job), 'reboot')
      await waitUntilReady(job, serverIdOf(job))
    }),
    remove: withJob(removeAll),
  }
}

async function create(job: Job): Promise<void> {
  const { machine, ports } = job
  const { made = {} } = machine
  const mark = optionalTextOf(made, 'mark') ?? newShortId(ports.random)
  // Before anything is there: what is made from now on can be found by it.
  await ports.remember({ ...made, mark })
  try {
    const keyId = await keyFor(job, mark)
    await ports.remember({ ...made, mark, 'key-id': keyId })
    const server = await orderServer(job, mark, keyId)
    const known = { mark, 'key-id': keyId, 'server-id': server.id }
    await ports.remember(known)
    ports.report('Waiting for the server to start')
    const address = await waitFor(job, server.id, 'Running')
    await ports.remember({ ...known, address })
    await job.api.finish(server.id)
    await waitForSsh(job, address)
  } catch (error) {
    // Cancelled: the person decides whether to go on or to remove it.
    job.signal.throwIfAborted()
    await takeBack(job, mark, error)
  }
}

/** Removes what was made, and throws why. */
async function takeBack(job: Job, mark: string, why: unknown): Promise<never> {
  try {
    await removeAll({ ...job, machine: { ...job.machine, made: { mark } } })
    await job.ports.remember({})
  } catch (error) {
    const left = `${errorMessage(why)}; what was made of it could not be removed (${errorMessage(error)}): \`machine rm\` does`
    throw unavailable(errorCode(why) ?? 'CLOUD_REFUSED', left, { cause: why })
  }
  throw why
}

async function keyFor({ cloud, machine, api, ports }: Job, mark: string): Promise<string> {
  const named = optionalTextOf(machine.settings, cloud.flagNames.keyId)
  if (named !== undefined) return named
  const pair = await keepSshKey(join(ports.folder, KEY_FILE), machine.name, ports.random)
  const uploaded = await api.findKey(md5Fingerprint(pair))
  return uploaded ?? api.createKey(`${machine.name}-${mark}`, pair.publicKey)
}

async function orderServer({ cloud, machine, api, ports }: Job, mark: string, keyId: string): Promise<CloudServer> {
  const before = await api.findServer(mark)
  if (before !== undefined) return before
  const userData = await readUserData(cloud, machine)
  ports.report(`Ordering a server from ${cloud.title}`)
  return api.createServer({ name: machine.name, mark, keyId, ...(userData === undefined ? {} : { userData }) })
}

async function readUserData({ flagNames }: CloudDefinition, { settings }: Machine): Promise<string | undefined> {
  const path = optionalTextOf(settings, flagNames.userData)
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw invalidInput('BAD_FLAG', `Cannot read ${path} of --${flagNames.userData}: ${errorMessage(cause)}`, { cause })
  }
}

async function shutDown(job: Job): Promise<void> {
  const id = serverIdOf(job)
  await job.api.power(id, 'shutdown')
  try {
    await waitFor(job, id, 'Stopped', SHUTDOWN_MS_MAX)
  } catch (error) {
    if (errorCode(error) !== 'CLOUD_SLOW') throw error
    await job.api.power(id, 'off')
    await waitFor(job, id, 'Stopped')
  }
}

async function removeAll({ cloud, machine, api, ports }: Job): Promise<void> {
  const { made = {}, settings } = machine
  const mark = optionalTextOf(made, 'mark')
  // A server that was ordered by somebody who died before its id was kept is found by its mark.
  const found = mark === undefined ? undefined : (await api.findServer(mark))?.id
  const id = found ?? optionalTextOf(made, 'server-id')
  if (id !== undefined) await api.deleteServer(id)
  if (optionalTextOf(settings, cloud.flagNames.keyId) !== undefined) return
  const pair = await readSshKey(join(ports.folder, KEY_FILE)).catch(() => undefined)
  const uploaded = pair === undefined ? undefined : await api.findKey(md5Fingerprint(pair))
  const keyId = uploaded ?? optionalTextOf(made, 'key-id')
  if (keyId !== undefined) await api.deleteKey(keyId)
}

function whereaboutsOf({ flagNames }: CloudDefinition, machine: Machine): Whereabouts {
  const { settings, made = {}, name } = machine
  const address = optionalTextOf(made, 'address')
  if (address === undefined) {
    throw conflict('NOT_MADE', `Machine "${name}" was not made to its end: \`machine create\` goes on with it`)
  }
  const keyPath = optionalTextOf(settings, flagNames.keyPath)
  return {
    address,
    url: `tcp://${isIPv6(address) ? `[${address}]` : address}:${ENGINE_PORT}`,
    ssh: {
      host: address,
      port: numberOf(settings, flagNames.sshPort),
      user: textOf(settings, flagNames.sshUser),
      keyPath: keyPath ?? KEY_FILE,
    },
  }
}

function serverIdOf({ cloud, machine }: Pick<Job, 'cloud' | 'machine'>): string {
  const id = optionalTextOf(machine.made ?? {}, 'server-id')
  if (id === undefined) throw gone(cloud, machine)
  return id
}

/** Its address may be another one than before. */
async function waitUntilReady(job: Job, id: string): Promise<void> {
  const address = await waitFor(job, id, 'Running')
  await job.ports.remember({ ...job.machine.made, address })
  await waitForSsh(job, address)
}

/** Resolves with its address. Throws SERVER_GONE, or CLOUD_SLOW. */
function waitFor(job: Job, id: string, state: MachineState, ms = READY_MS_MAX): Promise<string> {
  const { api, cloud, machine, ports, signal } = job
  const waiting = async (inner: AbortSignal): Promise<string> => {
    for (;;) {
      const server = await api.getServer(id)
      if (server === undefined) throw gone(cloud, machine)
      if (server.state === state && (state !== 'Running' || server.address !== undefined)) return server.address ?? ''
      await sleep(ports.clock, POLL_MS, inner)
    }
  }
  return withDeadline(waiting, ms, {
    clock: ports.clock,
    signal,
    onTimeout: () =>
      unavailable('CLOUD_SLOW', `The server of "${machine.name}" is not ${state} within ${ms / 1_000} s`),
  })
}

async function waitForSsh({ cloud, machine, ports, signal }: Job, address: string): Promise<void> {
  const port = numberOf(machine.settings, cloud.flagNames.sshPort)
  const waiting = async (inner: AbortSignal): Promise<void> => {
    while (!(await ports.greetsBySsh(address, port, inner))) await sleep(ports.clock, POLL_MS, inner)
  }
  await withDeadline(waiting, READY_MS_MAX, {
    clock: ports.clock,
    signal,
    onTimeout: () =>
      unavailable(
        'SERVER_SILENT',
        `${address}:${port} does not answer SSH within ${READY_MS_MAX / 1_000} s: does a firewall let the port through?`,
      ),
  })
}

function gone({ title }: CloudDefinition, { name }: Machine): Error {
  return notFound(
    'SERVER_GONE',
    `The server of machine "${name}" is not at ${title}: \`machine create\` makes it, \`machine rm\` forgets it`,
  )
}
