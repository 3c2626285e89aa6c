/** Which services a service needs, by its name. */
export type Needs = ReadonlyMap<string, readonly string[]>

/**
 * Does something for each service once it is done for what the service needs, and all that can be at the same time. Rejects with
 * the first failure once everything that was begun has ended; what needs a service that failed is not begun.
 */
export async function inDependencyOrder(needs: Needs, work: (service: string) => Promise<void>): Promise<void> {
  const begun = new Map<string, Promise<void>>()
  const begin = (service: string, trail: readonly string[]): Promise<void> => {
    const known = begun.get(service)
    if (known !== undefined) return known
    // Labels of containers may tell of circles that no file has.
    const before = (needs.get(service) ?? []).filter(name => needs.has(name) && !trail.includes(name))
    const promise = Promise.all(before.map(name => begin(name, [...trail, service]))).then(() => work(service))
    begun.set(service, promise)
    return promise
  }
  const ends = await Promise.allSettled([...needs.keys()].map(service => begin(service, [])))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** The other way round: for what needs a service before it is done for the service. */
export function reversed(needs: Needs): Needs {
  const users = new Map<string, string[]>([...needs.keys()].map(service => [service, []]))
  for (const [service, names] of needs) for (const name of names) users.get(name)?.push(service)
  return users
}
