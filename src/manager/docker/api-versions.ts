import type { ClusterNodes, NodeEngine } from './nodes.ts'

const PREFIX = /^\/v1\.(\d+)(?=\/)/

/**
 * Writes the API version in front of a path no higher than the node's engine speaks: older engines refuse newer ones.
 * Asks each engine once, and again when its version changes.
 */
export function createVersionCap(): ClusterNodes['capVersion'] {
  const known = new Map<string, Promise<number>>()
  return async (path, { member, engine }) => {
    const asked = Number(PREFIX.exec(path)?.[1])
    if (Number.isNaN(asked)) return path
    const key = `${member.apiAddress} ${member.engineVersion}`
    const answer = known.get(key) ?? newestMinor(engine)
    known.set(key, answer)
    answer.catch(() => known.delete(key))
    const newest = await answer.catch(() => asked)
    return path.replace(PREFIX, `/v1.${Math.min(asked, newest)}`)
  }
}

async function newestMinor(engine: NodeEngine['engine']): Promise<number> {
  const { ApiVersion } = await engine.version()
  return Number(/^1\.(\d+)$/.exec(ApiVersion)?.[1] ?? Number.POSITIVE_INFINITY)
}
