import { text } from 'node:stream/consumers'
import { type EngineApi, pathOf } from '../../engine/engine-api.ts'

export interface Waiting {
  /** The container's exit code, once what is waited for has happened. */
  readonly exit: Promise<number>
}

/**
 * Begins to wait for a container. Resolves when the engine has begun too, which it tells by the head of its answer: a
 * container that is started afterwards cannot end unseen.
 */
export async function beginWait(
  api: EngineApi,
  id: string,
  condition: 'not-running' | 'next-exit' | 'removed',
): Promise<Waiting> {
  const body = await api.stream('POST', pathOf('containers', id, 'wait'), { query: { condition } })
  const exit = text(body).then(answer => (JSON.parse(answer) as { StatusCode: number }).StatusCode)
  // Whoever does not ask in the end has met something else before.
  exit.catch(() => {})
  return { exit }
}
