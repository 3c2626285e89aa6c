import { formatIpv4, parseIpv4 } from '../core/cidr.ts'
import { failed } from '../core/errors.ts'
import type { ClaimedAddress, Overlay } from '../node-agent/index.ts'

/** Addresses of the whole cluster; what really goes through the store is simulated without it. */
export class SimAddresses {
  readonly #taken = new Map<string, string>()

  claim(network: string, subnet: string, holder: string): ClaimedAddress {
    const base = parseIpv4(subnet.split('/')[0] ?? '')
    for (let offset = 2; offset < 65_000; offset++) {
      const address = formatIpv4(base + offset)
      const key = `${network} ${address}`
      if ((this.#taken.get(key) ?? holder) !== holder) continue
      this.#taken.set(key, holder)
      const mac = ['02', '42', ...address.split('.').map(byte => Number(byte).toString(16).padStart(2, '0'))].join(':')
      return { address, mac }
    }
    throw failed('NO_FREE_ADDRESS', `Network ${network} has no free address`)
  }

  release(isReleased: (holder: string) => boolean): void {
    for (const [key, holder] of this.#taken) if (isReleased(holder)) this.#taken.delete(key)
  }
}

/** A host's part of the overlay: claims and forgets addresses. */
export function simOverlay(host: string, addresses: SimAddresses): Overlay {
  const holder = (taskId: string): string => `${host}/${taskId}`
  return {
    ensureNetwork: async () => {},
    claimAddress: async ({ name, subnet }, { taskId }) => addresses.claim(name, subnet, holder(taskId)),
    takePorts: async () => {},
    publishTask: async () => {},
    releaseTask: async taskId => addresses.release(other => other === holder(taskId)),
    removeNetworks: () => Promise.resolve(),
    releaseAllBut: async taskIds =>
      addresses.release(other => other.startsWith(`${host}/`) && !taskIds.has(other.slice(host.length + 1))),
  }
}
