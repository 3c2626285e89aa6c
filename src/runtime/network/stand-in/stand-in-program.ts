import { join } from 'node:path'
import { sleep, systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/log.ts'
import { systemRandom } from '../../../core/random.ts'
import { backoff } from '../../../core/retry.ts'
import { isNetworkNamespace } from '../../linux/process/namespaces.ts'
import { dnsScope } from '../dns/dns-scope.ts'
import { DnsServer } from '../dns/dns-server.ts'
import { readHostResolver } from '../dns/host-resolver.ts'
import { reopenResolverSockets } from '../dns/resolver-sockets.ts'
import { NetworkTable } from '../networks/network-table.ts'
import { SandboxTable } from '../sandboxes/sandbox-table.ts'
import { answerPulse } from './answer-pulse.ts'
import { NAMES_FILE, readLeftNames } from './left-names.ts'

/** A program that answers for names in place of an engine that has ended, from what that has left on disk. */

export interface StandInPlaces {
  /** Where the engine keeps what does not outlive a boot: `sandboxes`, `netns`, and the names. */
  readonly execFolder: string
  readonly networksFolder: string
}

const LOOK_MS = 2_000
/** The kernel takes a moment to close the sockets of who has died. */
const retryMs = backoff(20, LOOK_MS)

/** Resolves when no container is left to answer. The next engine does not wait for that: it kills us. */
async function standIn({ execFolder, networksFolder }: StandInPlaces): Promise<void> {
  const table = new SandboxTable({ folder: join(execFolder, 'sandboxes'), devicePrefix: '', random: systemRandom })
  const networks = await NetworkTable.open(networksFolder, silentLog)
  const names = readLeftNames(join(execFolder, NAMES_FILE))
  const scopePorts = {
    table,
    networkOf: (id: string) => networks.joinableById(id),
    outside: () => names,
    hostResolver: readHostResolver,
  }
  const dns = new DnsServer(
    { ready: () => undefined, scopeOf: containerId => dnsScope(containerId, scopePorts) },
    { clock: systemClock, random: systemRandom, log: silentLog },
  )
  const netns = (containerId: string): string => join(execFolder, 'netns', containerId)
  let stopPulse: (() => void) | undefined
  for (let attempt = 1; ; attempt++) {
    let waiting = 0
    let served = 0
    for (const { containerId, resolver } of table.all()) {
      if (resolver === undefined) continue
      if (!isNetworkNamespace(netns(containerId))) {
        dns.stop(containerId)
        continue
      }
      const sockets = dns.isServing(containerId) ? undefined : reopenResolverSockets(netns(containerId), resolver)
      if (sockets !== undefined) dns.serve(containerId, sockets)
      if (dns.isServing(containerId)) served++
      else waiting++
    }
    if (served + waiting === 0) break
    if (names.pulse !== undefined && stopPulse === undefined) {
      stopPulse = await answerPulse(names.pulse)
      if (stopPulse === undefined) waiting++
    }
    await sleep(systemClock, waiting > 0 ? retryMs(attempt) : LOOK_MS)
  }
  stopPulse?.()
  dns.close()
}

const [, , places] = process.argv
if (places !== undefined) await standIn(JSON.parse(places) as StandInPlaces)
