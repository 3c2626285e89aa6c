import { isTransient } from '../../../core/errors.ts'
import { backoff, type Patience } from '../../../core/retry.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import type { RegistryOptions } from '../registry/endpoints.ts'
import { isSilence } from '../registry/session.ts'
import type { OnProgress } from './progress.ts'

/** What travels with every conversation with a registry. */
export interface Transfer {
  readonly registry: RegistryOptions
  readonly auth: RegistryAuth | undefined
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

export const PATIENCE: Patience = { triesMax: 4, waitMs: backoff(300, 5_000) }

/** A registry that stumbles over the first question is given one more chance; one that is silent has had its time. */
export const GREETING: Patience = {
  triesMax: 2,
  waitMs: backoff(500, 500),
  mayPass: error => isTransient(error) && !isSilence(error),
}

/** Tells whoever watches a layer that it is tried again, in docker's words. */
export function tellingPatience(id: string, onProgress: OnProgress): Patience {
  return {
    ...PATIENCE,
    waitMs(attempt) {
      const ms = PATIENCE.waitMs(attempt)
      const seconds = Math.ceil(ms / 1_000)
      onProgress({ status: `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`, progressDetail: {}, id })
      return ms
    },
  }
}
