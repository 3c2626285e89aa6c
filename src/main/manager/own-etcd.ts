import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Scope } from '../../core/scope.ts'
import { type EtcdMembership, type EtcdProcess, type EtcdTlsFiles, startEtcd } from '../../discovery/index.ts'
import { hangUp } from './hang-up.ts'

export interface OwnEtcdOptions {
  readonly dataDir: string
  readonly host: string
  readonly clientPort: number
  readonly tls?: EtcdTlsFiles
  readonly member?: EtcdMembership
}

export interface OwnEtcd {
  /** `127.0.0.1:2379`. */
  readonly endpoint: string
  /** Resolves when the one that was started first has ended, with a sentence that says how. */
  readonly ended: Promise<string>
  /** Ends it and starts it anew where it was. May be repeated when it did not start. */
  readonly restart: () => Promise<void>
  /** Ends every connection to it, so that all who are there have to show anew who they are. */
  readonly hangUp: () => Promise<void>
}

/** It is only healthy once it has read all that it keeps: on a slow host that takes long. That it died is seen at once. */
const START_MS_MAX = 60_000

/** Starts the embedded store, or takes over the one that a killed manager left running; it ends with the scope. */
export async function openOwnEtcd(
  options: OwnEtcdOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  scope: Scope,
): Promise<OwnEtcd> {
  const { signal } = scope
  const start = (at: OwnEtcdOptions): Promise<EtcdProcess> =>
    startEtcd({ ...at, clock, signal, startTimeoutMs: START_MS_MAX })
  let etcd: EtcdProcess = await scope.open(
    () => start(options),
    (): Promise<void> => etcd.stop(),
  )
  const watch = (started: EtcdProcess): void =>
    void started.exited.then(how => {
      if (started === etcd && !scope.signal.aborted)
        log.error({ how }, 'the embedded store has ended; restart the manager')
    })
  watch(etcd)
  log.info({ endpoint: etcd.endpoint, pid: etcd.pid, adopted: etcd.adopted }, 'the embedded store runs')
  const clientPort = Number(etcd.endpoint.slice(etcd.endpoint.lastIndexOf(':') + 1))
  const restart = async (): Promise<void> => {
    const before = etcd
    // Not the one that is watched any more: its end is wanted.
    etcd = { ...before }
    await before.stop()
    etcd = await start({ ...options, clientPort })
    watch(etcd)
    log.info({ pid: etcd.pid }, 'started the embedded store anew')
  }
  return {
    endpoint: etcd.endpoint,
    ended: etcd.exited,
    restart,
    async hangUp() {
      if (await hangUp(etcd.endpoint, clock)) log.info({}, 'ended every connection to the embedded store')
      else await restart()
    },
  }
}
