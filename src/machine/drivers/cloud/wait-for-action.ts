import { sleep, withDeadline } from '../../../core/clock.ts'
import { failed, unavailable } from '../../../core/errors.ts'
import type { DriverPorts } from '../driver.ts'
import { type Fields, fieldsOf, idOf, textIn } from './answer.ts'
import type { RestClient } from './rest-client.ts'

const ACTION_MS_MAX = 300_000
const POLL_MS = 1_000

/** What a cloud calls its actions' ends. */
interface ActionWords {
  readonly title: string
  readonly done: string
  readonly failed: string
}

/** Waits until a cloud has done what it began: clouds answer `{ action }` here, and at /actions/<id> as often as they are asked. */
export async function waitForAction(
  answer: unknown,
  words: ActionWords,
  {
    rest,
    clock,
    signal,
  }: { readonly rest: RestClient; readonly clock: DriverPorts['clock']; readonly signal: AbortSignal },
): Promise<void> {
  const waiting = async (inner: AbortSignal): Promise<void> => {
    for (let action: Fields = fieldsOf(answer, 'action'); ; ) {
      if (action['status'] === words.done) return
      if (action['status'] === words.failed) {
        const why = textIn(fieldsOf(action, 'error'), 'message') || 'it does not say why'
        throw failed('CLOUD_REFUSED', `${words.title} could not do it: ${why}`)
      }
      await sleep(clock, POLL_MS, inner)
      action = fieldsOf(await rest.ask({ method: 'GET', path: `/actions/${idOf(action)}` }), 'action')
    }
  }
  await withDeadline(waiting, ACTION_MS_MAX, {
    clock,
    signal,
    onTimeout: () => unavailable('CLOUD_SLOW', `${words.title} does not finish within ${ACTION_MS_MAX / 1_000} s`),
  })
}
