import type { CommandContext } from '../command.ts'
import type { EngineApi } from '../engine/engine-api.ts'
import { pathOf } from '../engine/engine-api.ts'

/** Hands every signal that we get on to the container instead of ending; resolves nothing, returns how to stop it. */
export function proxySignals(api: EngineApi, container: string, context: CommandContext): () => void {
  return (
    context.takeSignals?.(signal => {
      // A container that has just ended gets no signals, and needs none.
      api
        .ask('POST', pathOf('containers', container, 'kill'), { query: { signal: signal.replace(/^SIG/, '') } })
        .catch(() => {})
    }) ?? (() => {})
  )
}
