import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { conflict, errorCode, errorMessage, failed, type ShoalError } from '../../core/errors.ts'

export interface EtcdProcessOptions {
  /** Keeps `etcd/` (its data), `etcd.log` and `etcd.json` (which process serves it). Made if missing. */
  readonly dataDir: string
  readonly clock: Clock
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** Default: free ones. */
  readonly clientPort?: number
  readonly peerPort?: number
  /** Default: `etcd`, from the PATH. */
  readonly binary?: string
  /** Serves with TLS, and lets in whoever has a certificate of the authorities. Absent: serves everybody. */
  readonly tls?: EtcdTlsFiles
  /** Several keep the store together, and this is one of them. Absent: it is alone. Needs TLS. */
  readonly member?: EtcdMembership
  /** How long it may take until healthy. Default: 30 seconds. */
  readonly startTimeoutMs?: number
  /** Gives up starting it. */
  readonly signal?: AbortSignal
}

/** Paths of PEM files. A certificate that is renewed is read anew by itself, other authorities only by a new start. */
export interface EtcdTlsFiles {
  readonly certificate: string
  readonly key: string
  readonly authorities: string
  /** DER, read at every handshake: certificates that are refused, of whatever authority. It has to be there. */
  readonly revocations?: string
}

/** A member as the others know it. */
export interface EtcdMembership {
  readonly name: string
  /** Where the others reach it, and it listens: `10.0.0.1:2380`. */
  readonly peer: string
  /** What certificates of members name, and nobody else's: others with certificates of the authorities are no peers. */
  readonly peerHostName: string
  /** Peer URLs of the store that it joins with an empty directory, without its own. Absent: it begins one. */
  readonly joins?: readonly string[]
}

export interface EtcdProcess {
  /** `127.0.0.1:2379`. */
  readonly endpoint: string
  readonly pid: number
  /** It ran already, left behind by a program that was killed. */
  readonly adopted: boolean
  /** Resolves when it has ended, by whatever cause, with a sentence that says how. */
  readonly exited: Promise<string>
  /** Ends it in good order; SIGKILL after five seconds. */
  readonly stop: () => Promise<void>
}

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 5_000
const HEALTH_TIMEOUT_MS = 1_000
const PEER_TIMEOUT_MS = 5_000
const OUTPUT_KEPT = 16_384

/** Where a member answers the others that answers its clients there: the next port, as etcd has it. */
export function peerOf({ host, port }: { readonly host: string; readonly port: number }): string {
  const shown = host.includes(':') ? `[${host}]` : host
  return `${shown}:${port < 65_535 ? port + 1 : port - 1}`
}

/**
 * Whether there is a member's data in a directory for {@link startEtcd}, so that it starts as what it was. Its log tells: etcd makes the
 * rest before it has reached the others, and would then begin a store of its own.
 */
export async function hasEtcdData(dataDir: string): Promise<boolean> {
  const names: readonly string[] = await readdir(join(dataDir, 'etcd', 'member', 'wal')).catch(() => [])
  return names.some(name => name.endsWith('.wal'))
}

/**
 * Runs an etcd on a data directory: a store of its own, or a member of one. If one left behind by a killed program still serves that directory, it
 * is taken over as it is.
 */
export async function startEtcd(options: EtcdProcessOptions): Promise<EtcdProcess> {
  const { dataDir, clock, host = '127.0.0.1', tls } = options
  const etcdDir = join(dataDir, 'etcd')
  await refuseForeignData(dataDir, etcdDir)
  const left = await findLeftBehind(dataDir, etcdDir)
  const authorities = tls === undefined ? undefined : await readFile(tls.authorities, 'utf8')
  const flags = tls === undefined ? [] : [...tlsFlags(tls), ...peerFlags(options.member)]
  const wanted = [...flags, ...listenPeerFlags(options.member)]
  const isAsWanted =
    left !== undefined && left.authorities === authorities && wanted.every(flag => left.arguments.includes(flag))
  if (isAsWanted && (await isHealthy(left.endpoint, clock, tls))) return adopt(left, clock)
  if (left !== undefined) await endProcess(left.pid, clock)

  // Asked first: another etcd on the port would answer our question whether ours is healthy.
  const clientPort = await freePort(host, options.clientPort)
  const peer = options.member?.peer ?? (await freePeer(options))
  const endpoint = `${host}:${clientPort}`
  const logFile = join(dataDir, 'etcd.log')
  const log = await open(logFile, 'w', 0o600)
  const child = spawn(
    options.binary ?? 'etcd',
    etcdFlags(etcdDir, { client: endpoint, peer, member: options.member, tls: flags }),
    {
      // A file, not a pipe: a pipe breaks when we are killed, and etcd would die of its next line.
      stdio: ['ignore', log.fd, log.fd],
      // Its own process group: Ctrl-C must reach us first, so that leases are given back before the store goes.
      detached: true,
    },
  )
  const output = (): string => readTail(logFile)
  const exited = describeExit(child, options.binary ?? 'etcd', output)
  await log.close()
  try {
    await withDeadline(
      signal =>
        Promise.race([
          untilHealthy(endpoint, { clock, tls }, signal),
          exited.then(how => Promise.reject(explain(how))),
        ]),
      options.startTimeoutMs ?? START_TIMEOUT_MS,
      {
        clock,
        signal: options.signal,
        onTimeout: () => explain(`etcd on ${etcdDir} did not become healthy in time: ${lastLine(output())}`),
      },
    )
    const pid = child.pid ?? 0
    await writeFile(join(dataDir, 'etcd.json'), JSON.stringify({ pid, endpoint, authorities }))
    return { endpoint, pid, adopted: false, exited, stop: () => stopChild(child, clock) }
  } catch (error) {
    await stopChild(child, clock)
    throw error
  }
}

async function freePeer({ host = '127.0.0.1', tls, peerPort }: EtcdProcessOptions): Promise<string> {
  const peerHost = tls === undefined ? host : '127.0.0.1'
  return `${peerHost}:${await freePort(peerHost, peerPort)}`
}

interface EtcdListening {
  readonly client: string
  readonly peer: string
  readonly member: EtcdMembership | undefined
  /** Flags; none: without TLS. */
  readonly tls: readonly string[]
}

function etcdFlags(dataDir: string, { client, peer, member, tls }: EtcdListening): string[] {
  const scheme = tls.length === 0 ? 'http' : 'https'
  const { name = 'shoal', joins } = member ?? {}
  // Of the others only the URLs are compared; two of one name would count as one.
  const others = joins?.map((url, index) => `member-${index}=${url}`) ?? []
  return [
    `--name=${name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${scheme}://${client}`,
    `--advertise-client-urls=${scheme}://${client}`,
    `--listen-peer-urls=${scheme}://${peer}`,
    `--initial-advertise-peer-urls=${scheme}://${peer}`,
    `--initial-cluster=${[...others, `${name}=${scheme}://${peer}`].join(',')}`,
    ...(joins === undefined ? [] : ['--initial-cluster-state=existing']),
    ...tls,
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=1h',
    '--logger=zap',
    '--log-level=warn',
  ]
}

function tlsFlags({ certificate, key, authorities, revocations }: EtcdTlsFiles): string[] {
  const own = (prefix: string): string[] => [
    `--${prefix}client-cert-auth`,
    `--${prefix}cert-file=${certificate}`,
    `--${prefix}key-file=${key}`,
    `--${prefix}trusted-ca-file=${authorities}`,
  ]
  const list = revocations === undefined ? [] : [`--client-crl-file=${revocations}`, `--peer-crl-file=${revocations}`]
  // The gateway asks in its own name, whoever asks it.
  return [...own(''), ...own('peer-'), ...list, '--enable-grpc-gateway=false']
}

/** Whom a member takes for another: by the name in its certificate, since a host may have more addresses than that. */
function peerFlags(member: EtcdMembership | undefined): string[] {
  if (member === undefined) return []
  return [`--peer-cert-allowed-hostname=${member.peerHostName}`, '--experimental-peer-skip-client-san-verification']
}

/** One that was left listening elsewhere would be looked for in vain. */
function listenPeerFlags(member: EtcdMembership | undefined): string[] {
  return member === undefined ? [] : [`--listen-peer-urls=https://${member.peer}`]
}

async function refuseForeignData(dataDir: string, etcdDir: string): Promise<void> {
  try {
    await mkdir(etcdDir, { recursive: true, mode: 0o700 })
    const names = await readdir(etcdDir)
    if (names.length === 0 || names.includes('member')) return
    throw conflict(
      'ETCD_FOREIGN_DATA',
      `${etcdDir} holds files that are not etcd's (${names.slice(0, 3).join(', ')}): give another data directory, or empty this one`,
    )
  } catch (cause) {
    if (errorCode(cause) === 'ETCD_FOREIGN_DATA') throw cause
    throw failed(
      'ETCD_DATA',
      `Cannot use ${dataDir} for etcd (${errorMessage(cause)}): choose another --data-root, or fix this one`,
      { cause },
    )
  }
}

interface LeftBehind {
  readonly pid: number
  readonly endpoint: string
  /** Whose certificates it takes, if it was started so. */
  readonly authorities?: string | undefined
  readonly arguments: readonly string[]
}

async function findLeftBehind(dataDir: string, etcdDir: string): Promise<LeftBehind | undefined> {
  try {
    const { pid, endpoint, authorities } = JSON.parse(await readFile(join(dataDir, 'etcd.json'), 'utf8')) as Omit<
      LeftBehind,
      'arguments'
    >
    const given = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    return given.includes(`--data-dir=${etcdDir}`) ? { pid, endpoint, authorities, arguments: given } : undefined
  } catch {
    return undefined
  }
}

function adopt({ pid, endpoint }: LeftBehind, clock: Clock): EtcdProcess {
  const exited = untilGone(pid, clock).then(() => `etcd (process ${pid}) ended`)
  return {
    endpoint,
    pid,
    adopted: true,
    exited,
    async stop() {
      await endProcess(pid, clock)
      await exited
    },
  }
}

async function untilGone(pid: number, clock: Clock): Promise<void> {
  while (isAlive(pid)) await sleep(clock, 200)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function endProcess(pid: number, clock: Clock): Promise<void> {
  if (!isAlive(pid)) return
  process.kill(pid, 'SIGTERM')
  const late = clock.setTimer(STOP_TIMEOUT_MS, () => isAlive(pid) && process.kill(pid, 'SIGKILL'))
  await untilGone(pid, clock)
  late.cancel()
}

async function stopChild(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const late = clock.setTimer(STOP_TIMEOUT_MS, () => child.kill('SIGKILL'))
  await gone
  late.cancel()
}

function readTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-OUTPUT_KEPT)
  } catch {
    return ''
  }
}

function describeExit(child: ChildProcess, binary: string, output: () => string): Promise<string> {
  return new Promise(resolve => {
    child.on('error', error => resolve(`cannot run ${binary}: ${errorCode(error) ?? error.message}`))
    child.on('close', (code, signal) =>
      resolve(`etcd ended with ${signal ?? `exit code ${code}`}: ${lastLine(output())}`),
    )
  })
}

/** etcd's last complaint, without zap's JSON around it. */
function lastLine(output: string): string {
  const lines = output.trimEnd().split('\n')
  const last = lines.findLast(line => /"level":"(fatal|error|panic)"/.test(line)) ?? lines.at(-1) ?? ''
  try {
    const { msg, error } = JSON.parse(last) as { msg?: string; error?: string }
    return [msg, error].filter(part => part !== undefined).join(': ')
  } catch {
    return last === '' ? 'it said nothing' : last.slice(0, 500)
  }
}

function explain(how: string): ShoalError {
  const hints: readonly (readonly [RegExp, string])[] = [
    [
      /ENOENT/,
      'Install etcd (Debian: apt-get install etcd-server), or give the URL of a running one: etcd://host:port',
    ],
    [/address already in use/, 'Another program listens on that port: stop it, or give another port'],
    [/opened by another process|file lock/, 'Another etcd uses this data directory: stop it first'],
    [
      /invalid database|crc mismatch|wal:|cannot downgrade|unexpected EOF/,
      'Restore a backup, or start on an empty directory',
    ],
    [/permission denied|EACCES/, 'Run as the owner of the data directory'],
    [
      /permanently removed/,
      'It was taken out of the cluster: remove etcd/ and manager/ of its data root, and join with a token of a manager that is left',
    ],
    [/no space left/, 'Free some disk space'],
  ]
  const hint = hints.find(([pattern]) => pattern.test(how))?.[1] ?? 'Its data directory keeps all it said, in etcd.log'
  return failed('ETCD_FAILED', `Cannot start the embedded store: ${how}. ${hint}`)
}

async function untilHealthy(
  endpoint: string,
  { clock, tls }: { readonly clock: Clock; readonly tls: EtcdTlsFiles | undefined },
  signal: AbortSignal,
): Promise<void> {
  while (!(await isHealthy(endpoint, clock, tls))) await sleep(clock, 50, signal)
}

async function isHealthy(endpoint: string, clock: Clock, tls: EtcdTlsFiles | undefined): Promise<boolean> {
  const ask = async (signal: AbortSignal): Promise<boolean> => {
    const answer =
      tls === undefined
        ? await (await fetch(`http://${endpoint}/health`, { signal })).text()
        : await askSecurely(`https://${endpoint}/health`, tls, signal)
    return (JSON.parse(answer) as { health?: string }).health === 'true'
  }
  try {
    return await withDeadline(ask, HEALTH_TIMEOUT_MS, { clock, onTimeout: () => explain('it does not answer') })
  } catch {
    return false
  }
}

/** Whether a member answers the others at a peer URL now, and lets us in as one of them. */
export async function isPeerThere(url: string, tls: EtcdTlsFiles, clock: Clock): Promise<boolean> {
  const ask = (signal: AbortSignal): Promise<string> => askSecurely(`${url}/version`, tls, signal)
  try {
    const answer = await withDeadline(ask, PEER_TIMEOUT_MS, { clock, onTimeout: () => explain('it does not answer') })
    return answer.includes('etcdserver')
  } catch {
    return false
  }
}

async function askSecurely(url: string, tls: EtcdTlsFiles, signal: AbortSignal): Promise<string> {
  const [cert, key, ca] = await Promise.all([tls.certificate, tls.key, tls.authorities].map(path => readFile(path)))
  const request = httpsRequest(url, { signal, cert, key, ca, agent: false })
  const answered = once(request, 'response')
  request.end()
  const [response] = (await answered) as [IncomingMessage]
  return text(response)
}

/** The port given if it is free, else any. */
async function freePort(host: string, wanted = 0): Promise<number> {
  const server = createServer()
  try {
    server.listen(wanted, host)
    await once(server, 'listening')
  } catch (cause) {
    throw explain(
      `${host}:${wanted}: ${errorCode(cause) === 'EADDRINUSE' ? 'address already in use' : errorMessage(cause)}`,
    )
  }
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address === null || typeof address === 'string' ? wanted : address.port
}
