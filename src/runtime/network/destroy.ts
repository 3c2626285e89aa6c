import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { deleteLink, listLinks } from '../linux/net/netlink-links.ts'
import { NetlinkSocket } from '../linux/net/netlink-socket.ts'
import { runNft } from '../linux/net/nft.ts'
import { deleteNetworkNamespace } from '../linux/process/namespaces.ts'
import { dropFirewall } from './firewall/firewall-rules.ts'
import { stackIdentity } from './stack-identity.ts'

export interface LeftoverOptions {
  readonly engineName: string
  readonly dataRoot: string
  readonly execRoot: string
  readonly manageFirewall: boolean
}

/** Removes everything a network stack made on the host, whether its engine still exists or not. Keeps what is on disk. */
export async function destroyNetworkStack(
  options: LeftoverOptions,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  const { table, devicePrefix, bridge } = stackIdentity(options)
  const execFolder = join(options.execRoot, 'network')
  for (const name of entries(join(execFolder, 'netns'))) deleteNetworkNamespace(join(execFolder, 'netns', name))
  rmSync(execFolder, { recursive: true, force: true })
  const ours = new Set([bridge, ...recordedDevices(join(options.dataRoot, 'network', 'networks'))])
  const netlink = new NetlinkSocket()
  try {
    for (const { name } of listLinks(netlink)) {
      if (name.startsWith(devicePrefix) || ours.has(name)) deleteLink(netlink, name)
    }
  } finally {
    netlink.close()
  }
  const families = existsSync('/proc/net/if_inet6') ? ([4, 6] as const) : ([4] as const)
  if (options.manageFirewall) await runNft(families.map(family => dropFirewall(family, table)).join(''), clock)
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])

function recordedDevices(folder: string): string[] {
  return entries(folder).flatMap(file => {
    try {
      const { bridge, ownsBridge, parent, ownsParent } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      if (typeof parent === 'string' && ownsParent === true) return [parent]
      return typeof bridge === 'string' && ownsBridge !== false ? [bridge] : []
    } catch {
      return []
    }
  })
}
