import { readFile } from 'node:fs/promises'
import { type Clock, sleep } from '../core/clock.ts'
import { errorMessage, invalidInput } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Discovery } from './discovery-url.ts'
import { expandAddresses } from './host-port.ts'

/** Addresses of Docker engines that are listed by hand. */
export interface NodeSource {
  readonly list: () => Promise<readonly string[]>
  /** The list now, and again each time it changes, until the signal is aborted. Keeps the last one it could read. */
  readonly watch: (signal: AbortSignal) => AsyncIterable<readonly string[]>
}

const POLL_MS = 2_000

export function createNodeSource(
  discovery: Exclude<Discovery, { scheme: 'etcd' }>,
  { clock, log, pollMs = POLL_MS }: { readonly clock: Clock; readonly log: Log; readonly pollMs?: number },
): NodeSource {
  if (discovery.scheme === 'nodes') {
    const { addresses } = discovery
    return {
      list: () => Promise.resolve(addresses),
      async *watch(signal) {
        yield addresses
        await new Promise<void>(resolve => {
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve(), { once: true })
        })
      },
    }
  }
  const { path } = discovery
  return {
    list: () => readNodeFile(path),
    // Read, not watched by the kernel: editors replace files and network file systems send no events.
    async *watch(signal) {
      let known: string | undefined
      let before: string | undefined
      while (!signal.aborted) {
        try {
          const addresses = await readNodeFile(path)
          const text = addresses.join()
          // A change counts once it was read twice: the first time the file may be half written.
          if (text !== known && (known === undefined || text === before)) {
            known = text
            yield addresses
          }
          before = text
        } catch (error) {
          log.warn({ path, error: errorMessage(error) }, 'cannot read the list of nodes, keeping the last one')
        }
        await sleep(clock, pollMs, signal).catch(() => {})
      }
    },
  }
}

/** One entry a line; `#` begins a comment. */
export function parseNodeFile(text: string): string[] {
  return text.split('\n').flatMap(line => {
    const entry = line.replace(/#.*/, '').trim()
    return entry === '' ? [] : expandAddresses(entry)
  })
}

async function readNodeFile(path: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw invalidInput('BAD_DISCOVERY', `Cannot read the list of nodes ${path}: ${errorMessage(cause)}`, { cause })
  }
  return parseNodeFile(text)
}
