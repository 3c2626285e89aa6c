/** Which services a service needs, by its name. */
export type Needs = ReadonlyMap<string, readonly string[]>

/**
 * Does something for each service once it is done for what the service needs, and all that can be at the same time. After the
 * first failure nothing more is begun and the signal is aborted; rejects with that failure once everything has ended.
 */
export async function inDependencyOrder(
  needs: Needs,
  work: (service: string, failed: AbortSignal) => Promise<void>,
): Promise<void> {
  const begun = new Map<string, Promise<void>>()
  const failed = new AbortController()
  const errors: unknown[] = []
  const doOne = async (service: string): Promise<void> => {
    if (failed.signal.aborted) return
    try {
      await work(service, failed.signal)
    } catch (error) {
      errors.push(error)
      failed.abort()
    }
  }
  const begin = (service: string, trail: readonly string[]): Promise<void> => {
    const known = begun.get(service)
    if (known !== undefined) return known
    // Labels of containers may tell of circles that no file has.
    const before = (needs.get(service) ?? []).filter(name => needs.has(name) && !trail.includes(name))
    const promise = Promise.all(before.map(name => begin(name, [...trail, service]))).then(() => doOne(service))
    begun.set(service, promise)
    return promise
  }
  await Promise.all([...needs.keys()].map(service => begin(service, [])))
  if (errors.length > 0) throw errors[0]
}

/** The other way round: for what needs a service before it is done for the service. */
export function reversed(needs: Needs): Needs {
  const users = new Map<string, string[]>([...needs.keys()].map(service => [service, []]))
  for (const [service, names] of needs) for (const name of names) users.get(name)?.push(service)
  return users
}
