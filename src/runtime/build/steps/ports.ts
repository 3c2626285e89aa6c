import { invalidInput } from '../../../core/errors.ts'
import { expandWords, type WordRules } from '../dockerfile/expand.ts'

const PORT_MAX = 65_535

/** The words of an EXPOSE, with variables substituted: one may bring several ports, or none. */
export function expandedPorts(words: readonly string[], rules: WordRules): readonly string[] {
  return words.flatMap(word => expandWords(word, rules))
}

/** Reads `80`, `53/udp`, `9000-9010/tcp`. Throws BAD_PORT with Docker's words. */
export function exposedPorts(words: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(words.flatMap(readPorts).map(port => [port, {}]))
}

function readPorts(text: string): string[] {
  const [range = '', protocol = 'tcp', ...more] = text.split('/')
  const kind = protocol.toLowerCase()
  if (more.length > 0 || !['tcp', 'udp', 'sctp'].includes(kind)) {
    throw invalidInput('BAD_PORT', `Invalid proto: ${[protocol, ...more].join('/')}`)
  }
  const [first, last, ...rest] = range.split('-').map(readPort)
  const end = last ?? first
  if (first === undefined || end === undefined || rest.length > 0 || end < first) {
    throw invalidInput('BAD_PORT', `Invalid containerPort: ${range}`)
  }
  return [...Array(end - first + 1).keys()].map(offset => `${first + offset}/${kind}`)
}

function readPort(text: string, _index: number, { length }: readonly string[]): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : PORT_MAX + 1
  if (port <= PORT_MAX && length <= 2) return port
  throw invalidInput('BAD_PORT', `Invalid containerPort: ${text}`)
}
