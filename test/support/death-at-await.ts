import { createHook } from 'node:async_hooks'

/**
 * Lets this process die by SIGKILL at the n-th await of what it does: whenever anything asynchronous comes back, a file's end
 * or a child's or a promise's, it has just done one thing and not yet begun the next.
 */
export interface DeathAtAwait {
  /** Counts from now on; without a number nobody dies. */
  readonly begin: (killAfter?: number) => void
  /** Stops counting, and says how many there were. */
  readonly end: () => number
}

export function deathAtAwait(): DeathAtAwait {
  let awaits = 0
  let killAt = Number.POSITIVE_INFINITY
  const hook = createHook({
    before: () => {
      awaits++
      if (awaits >= killAt) process.kill(process.pid, 'SIGKILL')
    },
  })
  return {
    begin(killAfter = Number.POSITIVE_INFINITY) {
      awaits = 0
      killAt = killAfter
      hook.enable()
    },
    end() {
      hook.disable()
      const counted = awaits
      awaits = 0
      return counted
    },
  }
}
