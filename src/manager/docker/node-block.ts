import type { NodeEngine } from './nodes.ts'

/** What classic Swarm adds to an inspected container, and we to everything that ends at its node. */
export function nodeBlock({ name, member }: NodeEngine): object {
  return {
    ID: member.id,
    IP: member.address,
    Addr: member.apiAddress,
    Name: name,
    Cpus: Math.floor(member.nanoCpus / 1e9),
    Memory: member.memoryBytes,
    Labels: member.labels,
  }
}
