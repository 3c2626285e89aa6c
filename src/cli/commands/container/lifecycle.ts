import { errorMessage, failed, invalidInput } from '../../../core/errors.ts'
import { type EngineCommand, explained, pathOf, withEngine } from '../../engine/engine-api.ts'
import { forEach } from '../../engine/for-each.ts'
import { readArgument } from '../../usage.ts'
import { wholeNumber } from './create/read-values.ts'

/** Time that the engine may take beyond the grace of a stop. */
const MARGIN_MS = 60_000

const stopOptions = ({ options }: EngineCommand) => {
  const text = options.text('timeout') ?? options.text('time')
  const seconds = text === undefined ? undefined : readArgument('-t, --timeout', text, wholeNumber)
  return {
    query: { t: seconds, signal: options.text('signal') },
    responseMs: seconds === undefined || seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1_000 + MARGIN_MS,
  }
}

const post = (command: EngineCommand, verb: string, asked = {}) =>
  forEach(command, async id => void (await command.api.ask('POST', pathOf('containers', id, verb), asked)))

export const runStop = withEngine(command => post(command, 'stop', stopOptions(command)))
export const runRestart = withEngine(command => post(command, 'restart', stopOptions(command)))
export const runPause = withEngine(command => post(command, 'pause'))
export const runUnpause = withEngine(command => post(command, 'unpause'))

export const runKill = withEngine(command => {
  const signal = command.options.text('signal') || 'KILL'
  return post(command, 'kill', { query: { signal } })
})

export const runRm = withEngine(command => {
  const { options, api } = command
  const query = { v: on(options.flag('volumes')), force: on(options.flag('force')), link: on(options.flag('link')) }
  const removeOne = async (given: string): Promise<void> => {
    // As docker: `/name` is how the API says a name, and people copy it.
    const id = given.replace(/^\/+/, '')
    if (id === '') throw invalidInput('BAD_FLAG', 'container name cannot be empty')
    await api.ask('DELETE', pathOf('containers', id), { query })
  }
  return forEach(command, removeOne, options.flag('force') ? { mayBeGone: 'told' } : {})
})

const on = (value: boolean): 1 | undefined => (value ? 1 : undefined)

export const runWait = withEngine(command => {
  const waitFor = async (id: string): Promise<string> => {
    const answer = await command.api.ask<{ StatusCode: number }>('POST', pathOf('containers', id, 'wait'), {
      responseMs: Number.POSITIVE_INFINITY,
    })
    return String(answer.StatusCode)
  }
  return forEach(command, waitFor)
})

export const runRename = withEngine(async ({ api, args: [from = '', to = ''] }) => {
  if (from === '' || to === '') throw invalidInput('BAD_FLAG', 'Error: Neither old nor new names may be empty')
  try {
    await api.ask('POST', pathOf('containers', from, 'rename'), { query: { name: to } })
  } catch (cause) {
    throw failed(
      'RENAME_FAILED',
      `${errorMessage(explained(cause, ''))}\nError: failed to rename container named ${from}`,
    )
  }
})
