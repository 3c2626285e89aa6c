import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { deleteLink, listLinks } from '../../linux/net/netlink-links.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { deleteNetworkNamespace, isNetworkNamespace } from '../../linux/process/namespaces.ts'

/** The containers' network namespaces, each pinned to a file with the container's id. */
export class NamespaceFolder {
  readonly #folder: string
  readonly #devicePrefix: string

  constructor(folder: string, devicePrefix: string) {
    this.#folder = folder
    this.#devicePrefix = devicePrefix
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  pathOf(containerId: string): string {
    return join(this.#folder, containerId)
  }

  has(containerId: string): boolean {
    return isNetworkNamespace(this.pathOf(containerId))
  }

  remove(containerId: string): void {
    deleteNetworkNamespace(this.pathOf(containerId))
  }

  /** Removes namespaces and devices that belong to no sandbox: an earlier life was cut off before or after its record. */
  sweep(
    isOpen: (containerId: string) => boolean,
    { netlink, knownDevices }: { readonly netlink: NetlinkSocket; readonly knownDevices: ReadonlySet<string> },
  ): void {
    for (const { name } of listLinks(netlink)) {
      if (name.startsWith(this.#devicePrefix) && !knownDevices.has(name)) deleteLink(netlink, name)
    }
    for (const containerId of readdirSync(this.#folder)) if (!isOpen(containerId)) this.remove(containerId)
  }
}
