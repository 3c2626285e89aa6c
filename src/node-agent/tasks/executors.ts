import { withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, ShoalError } from '../../core/errors.ts'
import { runHooks } from '../../docker-api/index.ts'
import type { EndpointPublisher } from '../endpoint-publisher.ts'
import type { ActionOf, Executors } from './actions.ts'
import { lastPrinted } from './last-printed.ts'
import { runTask, type TaskRunnerPorts } from './task-runner.ts'

export interface ExecutorPorts extends TaskRunnerPorts {
  readonly publisher: EndpointPublisher
  readonly cancel: (taskId: string) => void
}

/** Carries out what was decided; holds no policy. Each action may be repeated. */
export function createExecutors(node: string, ports: ExecutorPorts): Executors {
  const { engine, watcher, reporter, publisher } = ports
  return {
    run: ({ task }, signal) => runTask(node, task, ports, signal),
    async cancel({ taskId }) {
      ports.cancel(taskId)
    },
    async stop(action, signal) {
      const { taskId, container, graceMs } = action
      await hide(taskId, ports)
      await tryHooks(action, ports, signal)
      await unlessGone(() => engine.containers.stop(container, { timeoutMs: graceMs }))
      await watcher.refresh(container)
    },
    async remove({ taskId, containers, stop, release }) {
      if (release) await hide(taskId, ports)
      for (const container of containers) {
        // Its own grace: the engine knows it from the request that made the container.
        if (stop) await unlessGone(() => engine.containers.stop(container, {}))
        // Volumes: anonymous ones only; those with names outlive their containers.
        await unlessGone(() => engine.containers.remove(container, { force: true, volumes: true }))
        await watcher.refresh(container)
      }
      if (!release) return
      await ports.files?.remove(taskId)
      await publisher.release(taskId)
    },
    async forget({ taskId }) {
      await ports.files?.remove(taskId)
      await publisher.release(taskId)
      reporter.forget(taskId)
    },
    async report({ status }) {
      reporter.report(status)
    },
    async conclude({ status, container }, signal) {
      const printed = await lastPrinted(container, ports, signal)
      const { exitCode } = status
      reporter.report({ ...status, lastEnd: { ...(exitCode === undefined ? {} : { exitCode }), printed } })
    },
    publish: ({ taskId, healthy }) => publisher.publish(taskId, healthy),
  }
}

/** Names stop resolving before the process is told to go. An outage of the store must not keep it from going. */
async function hide(taskId: string, { publisher, log }: ExecutorPorts): Promise<void> {
  try {
    await publisher.publish(taskId, false)
  } catch (error) {
    log.warn({ taskId, error: errorMessage(error) }, 'cannot withdraw the addresses of a task yet')
  }
}

/** All hooks together have as long as the container has to stop, or this if that is longer. */
const STOP_HOOK_MS = 60_000

/** What a container is to do before it is stopped must not keep it from being stopped. */
async function tryHooks(
  { taskId, service, container, graceMs, hooks }: ActionOf<'stop'>,
  { engine, clock, log, reporter }: ExecutorPorts,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = Math.max(graceMs, STOP_HOOK_MS)
  try {
    await withDeadline(
      inTime =>
        runHooks(container, { service, kind: 'pre_stop', hooks, deadlineMs }, { engine, clock, signal: inTime }),
      deadlineMs,
      {
        clock,
        signal,
        onTimeout: () => failed('HOOK_FAILED', `${service} pre_stop hooks have not ended in ${deadlineMs / 1_000} s`),
      },
    )
  } catch (error) {
    signal.throwIfAborted()
    const message = errorMessage(error)
    log.warn({ taskId, error: message }, 'a pre_stop hook failed')
    const said = reporter.statuses.get(taskId)
    if (said !== undefined) reporter.report({ ...said, error: message })
  }
}

async function unlessGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ShoalError && error.status === 404)) throw error
  }
}
