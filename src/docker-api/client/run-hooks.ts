import { withDeadline } from '../../core/clock.ts'
import { failed } from '../../core/errors.ts'
import type { HookSpec } from '../../core/model/service.ts'
import { type CommandRun, runInContainer } from './run-in-container.ts'

export interface HookRun extends Pick<CommandRun, 'engine' | 'clock' | 'onLine'> {
  readonly signal?: AbortSignal | undefined
}

export interface Hooks {
  /** Named in errors. */
  readonly service: string
  readonly kind: 'post_start' | 'pre_stop'
  readonly hooks: readonly HookSpec[]
  /** Of each of them. */
  readonly deadlineMs: number
}

/** Of what a hook that failed has written, so much is told. */
const OUTPUT_SHOWN_MAX = 400

/**
 * Runs the commands that a service wants run in a container, one after the other. Throws HOOK_FAILED for the first that ends with
 * another code than 0, or does not end in time.
 */
export async function runHooks(
  container: string,
  { service, kind, hooks, deadlineMs }: Hooks,
  { engine, clock, signal, onLine }: HookRun,
): Promise<void> {
  for (const [index, hook] of hooks.entries()) {
    const { code, output } = await withDeadline(
      inTime => runInContainer(container, hook, { engine, clock, signal: inTime, onLine }),
      deadlineMs,
      {
        clock,
        signal,
        onTimeout: () =>
          failed('HOOK_FAILED', `${service} ${kind}.${index} hook has not ended in ${deadlineMs / 1_000} s`),
      },
    )
    if (code === 0) continue
    const said = output === '' ? '' : `: ${output.slice(-OUTPUT_SHOWN_MAX)}`
    throw failed('HOOK_FAILED', `${service} ${kind}.${index} hook exited with status ${code}${said}`)
  }
}
