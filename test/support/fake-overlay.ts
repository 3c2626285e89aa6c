import type { ClaimedAddress, Overlay } from '../../src/node-agent/index.ts'

/** Addresses from a counter, and a record of what was published. */
export class FakeOverlay {
  readonly #claimed = new Map<string, ClaimedAddress>()
  readonly published = new Map<string, boolean>()
  /** Networks that were removed, by name. */
  readonly removed: string[] = []
  #next = 2

  get tasks(): string[] {
    return [...new Set([...this.#claimed.keys()].map(key => key.split(' ')[0] ?? ''))]
  }

  readonly overlay: Overlay = {
    ensureNetwork: () => Promise.resolve(),
    claimAddress: async (network, { taskId }) => {
      const key = `${taskId} ${network.name}`
      const claimed = this.#claimed.get(key) ?? {
        address: `10.1.0.${this.#next}`,
        mac: `02:42:0a:01:00:0${this.#next++}`,
      }
      this.#claimed.set(key, claimed)
      return claimed
    },
    takePorts: async () => {},
    publishTask: async (taskId, { healthy }) => void this.published.set(taskId, healthy),
    releaseTask: async taskId => {
      this.published.delete(taskId)
      for (const key of this.#claimed.keys()) if (key.startsWith(`${taskId} `)) this.#claimed.delete(key)
    },
    removeNetworks: async names => void this.removed.push(...names),
    releaseAllBut: async taskIds => {
      for (const key of this.#claimed.keys()) if (!taskIds.has(key.split(' ')[0] ?? '')) this.#claimed.delete(key)
    },
  }
}
