import { invalidInput } from '../../core/errors.ts'
import type { Driver } from './driver.ts'
import { textOf } from './settings.ts'

/** An engine that is there already, known by its URL only. */
export const noneDriver: Driver = {
  name: 'none',
  summary: 'an engine that runs already, by its URL',
  flags: [{ name: 'url', type: 'text', summary: 'URL of the engine', required: true }],
  check(settings) {
    parseUrl(textOf(settings, 'url'))
  },
  whereabouts({ settings }) {
    const url = textOf(settings, 'url')
    // docker-machine prints host and port where others have an address: the URL is all that is known.
    return { address: parseUrl(url).host, url }
  },
  state: async () => 'Running',
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url)
  if (parsed === null || !['tcp:', 'http:', 'https:', 'ssh:', 'unix:'].includes(parsed.protocol)) {
    throw invalidInput(
      'BAD_FLAG',
      `invalid argument "${url}" for --url: expected an address such as tcp://10.0.0.5:2376`,
    )
  }
  return parsed
}
