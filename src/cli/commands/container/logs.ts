import { parseDuration } from '../../../core/duration.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { ContainerInspect } from '../../../docker-api/index.ts'
import { pathOf, withEngine } from '../../engine/engine-api.ts'
import { readOutput } from '../../manager/multiplexed.ts'

/** `shoal logs`: what a container has written. */
export const runLogs = withEngine(async ({ api, args, options, context }) => {
  const { stdout, stderr, clock, signal } = context
  const { Id, Config } = await api.ask<ContainerInspect>('GET', pathOf('containers', args[0] ?? '', 'json'))
  const time = (name: string): string | undefined => readMoment(options.text(name), clock.nowMs(), name)
  const query = {
    stdout: 1,
    stderr: 1,
    follow: options.flag('follow') ? 1 : undefined,
    timestamps: options.flag('timestamps') ? 1 : undefined,
    details: options.flag('details') ? 1 : undefined,
    tail: options.text('tail'),
    since: time('since'),
    until: time('until'),
  }
  const body = await api.stream('GET', pathOf('containers', Id, 'logs'), { query, signal })
  const kind = Config.Tty === true ? 'raw' : 'multiplexed'
  for await (const { stream, data } of readOutput(body, `application/vnd.docker.${kind}-stream`)) {
    const target = stream === 'stderr' ? stderr : stdout
    if (!target.write(data)) await new Promise(resolve => target.once('drain', resolve))
  }
})

/** `42m`, Unix seconds or RFC 3339, as the API takes it: Unix seconds. `flag` is told in the error if it is given. Throws BAD_FLAG. */
export function readMoment(text: string | undefined, nowMs: number, flag?: string): string | undefined {
  if (text === undefined || text === '') return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return text
  if (/^[\d.]+(ns|us|µs|ms|s|m|h)/.test(text)) return String((nowMs - parseDuration(text)) / 1_000)
  const ms = Date.parse(/^\d{4}-\d\d-\d\d(T[\d:.]+)?$/.test(text) ? localTime(text) : text)
  if (Number.isNaN(ms)) {
    const why = `failed to parse value as time or duration: "${text}"`
    throw invalidInput('BAD_FLAG', flag === undefined ? why : `invalid value for "${flag}": ${why}`)
  }
  return String(ms / 1_000)
}

/** A day without a time is its beginning here, not in universal time. */
function localTime(text: string): string {
  return text.includes('T') ? text : `${text}T00:00:00`
}
